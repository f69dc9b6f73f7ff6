"""Whole DAG runs on a real scheduler and triggerer, with the embedded AWS: both ways in, a failure, a clear."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops import local
from airflow_sagemaker_mlops.cli import ui

pytestmark = pytest.mark.deployment

DAG_FILE = """
from airflow_sagemaker_mlops import SageMakerPipelineDag

SageMakerPipelineDag("in-triggerer", definition="pipeline.json", poll_interval_s=1)
SageMakerPipelineDag("in-worker", definition="pipeline.json", poll_interval_s=1, start_in="worker")
SageMakerPipelineDag("failing", definition="failing.json", poll_interval_s=1)
SageMakerPipelineDag("long", definition="long.json", poll_interval_s=1)
SageMakerPipelineDag("held", definition="held.json", poll_interval_s=1, steps={"Held": {"pool": "closed"}})
SageMakerPipelineDag("two-at-a-time", definition="wide.json", poll_interval_s=1, max_parallel_steps=2)
SageMakerPipelineDag("thousand", definition="thousand.json", poll_interval_s=1)
SageMakerPipelineDag("control", definition="control.json", poll_interval_s=1)
SageMakerPipelineDag("control-in-worker", definition="control.json", poll_interval_s=1, start_in="worker")

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow_sagemaker_mlops import SageMakerPipelineTaskGroup

with DAG("mixed", schedule=None) as dag:
    before = BashOperator(task_id="before", bash_command="true")
    group = SageMakerPipelineTaskGroup("g", definition="group.json", poll_interval_s=1)
    before >> group.step_tasks["Make"]
    BashOperator(
        task_id="after", bash_command="echo made by $NAME", env={"NAME": group.property_of("Make", "ProcessingJobName")}
    )

with DAG("long-group", schedule=None) as dag:
    SageMakerPipelineTaskGroup("g", definition="long.json", poll_interval_s=1)
"""
WAITING = ("First", "Second", "Chosen")


def step(aws: local.LocalAws, name: str, code: str, **more: Any) -> dict[str, Any]:
    arguments = {
        "RoleArn": aws.role_arn,
        "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["python3", "-c", code]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        "Environment": more.pop("environment", {}),
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


def documents(aws: local.LocalAws) -> dict[str, Any]:
    seen = {"SEEN": {"Get": "Steps.First.ProcessingJobName"}, "MODE": {"Get": "Parameters.Mode"}}
    condition = {"Type": "Equals", "LeftValue": {"Get": "Parameters.Mode"}, "RightValue": "fast"}
    branches = {
        "Conditions": [condition],
        "IfSteps": [step(aws, "Chosen", "pass")],
        "ElseSteps": [step(aws, "Other", "pass")],
    }
    look = "import os; print('saw', os.environ['SEEN'], os.environ['MODE'])"
    pipeline = [
        step(aws, "First", "print('first')"),
        step(aws, "Second", look, environment=seen),
        {"Name": "Which", "Type": "Condition", "Arguments": branches, "DependsOn": ["Second"]},
    ]
    mode = [{"Name": "Mode", "Type": "String", "DefaultValue": "slow", "EnumValues": ["slow", "fast"]}]
    failing = [step(aws, "Bad", "raise SystemExit('no data today')"), step(aws, "Behind", "pass", DependsOn=["Bad"])]
    long = [step(aws, "Long", "import time; time.sleep(120)"), step(aws, "Then", "pass", DependsOn=["Long"])]
    model = {"ExecutionRoleArn": aws.role_arn, "PrimaryContainer": {"Image": "image"}}
    held = [step(aws, "Quick", "pass"), {"Name": "Held", "Type": "Model", "Arguments": model, "DependsOn": ["Quick"]}]
    queue = aws.client("sqs").create_queue(QueueName="questions")["QueueUrl"]
    wide = [step(aws, f"W{i}", "import time; time.sleep(2)") for i in range(5)]
    item = {"ITEM": {"Get": "ForEach.CurrentItem"}}
    body = [step(aws, "Each", "import os; print('item', os.environ['ITEM'])", environment=item)]
    loop = {"IterableItems": ["a", "b", "c"], "MaxConcurrency": 2, "ForEachBody": body}
    name = {"Get": "Steps.Loop.IterationOutputs[2].Each.ProcessingJobName"}
    note = {"bash_command": {"Std:Join": {"On": " ", "Values": ["echo third was", name]}}}
    noted = {"NOTED": {"Get": "Steps.Note.Output"}, "SAID": {"Get": "Steps.Ask.OutputParameters['word']"}}
    control = [
        step(aws, "Load", "raise SystemExit('no data today')"),
        step(aws, "Handle", "pass", DependsOn=[{"Step": "Load", "Trigger": "Failed"}]),
        step(aws, "Never", "pass", DependsOn=[{"Step": "Load", "Trigger": "Stopped"}]),
        {"Name": "Loop", "Type": "ForEach", "Arguments": loop},
        {
            "Name": "Note",
            "Type": "x-airflow",
            "Operator": "airflow.providers.standard.operators.bash.BashOperator",
            "Arguments": note,
        },
        {
            "Name": "Ask",
            "Type": "Callback",
            "SqsQueueUrl": queue,
            "Arguments": {"asks": name},
            "OutputParameters": [{"OutputName": "word", "OutputType": "String"}],
        },
        step(aws, "Last", "import os; print(os.environ['NOTED'], '+', os.environ['SAID'])", environment=noted),
    ]
    number = {"Get": "ForEach.CurrentItem"}
    container = {"Image": "image", "Environment": {"NUMBER": {"Std:Join": {"On": "", "Values": [number]}}}}
    model = {"ExecutionRoleArn": aws.role_arn, "PrimaryContainer": container}
    thousand = {
        "IterableItems": list(range(1000)),
        "MaxConcurrency": 10,
        "ForEachBody": [{"Name": "One", "Type": "Model", "Arguments": model}],
    }
    return {
        "thousand.json": {
            "Version": "2020-12-01",
            "Steps": [{"Name": "Thousand", "Type": "ForEach", "Arguments": thousand}],
        },
        "control.json": {"Version": "2020-12-01", "Steps": control},
        "wide.json": {"Version": "2020-12-01", "Steps": wide},
        "group.json": {"Version": "2020-12-01", "Steps": [step(aws, "Make", "pass")]},
        "pipeline.json": {"Version": "2020-12-01", "Parameters": mode, "Steps": pipeline},
        "failing.json": {"Version": "2020-12-01", "Steps": failing},
        "held.json": {"Version": "2020-12-01", "Steps": held},
        "long.json": {"Version": "2020-12-01", "Steps": long},
    }


@dataclass
class Deployment:
    port: int
    home: Path
    token: str

    def call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        address = f"http://127.0.0.1:{self.port}/api/v2{path}".replace(
            "+", "%2B"
        )  # run ids hold one; 3.0 reads it as a space
        request = urllib.request.Request(address, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        deadline = time.monotonic() + 60
        while True:  # the DAG processor may not have read the file yet
            try:
                run = self.call(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
                return str(run["dag_run_id"])
            except urllib.error.HTTPError as error:
                if error.code != 404 or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def wait(self, dag_id: str, run_id: str, timeout_s: float = 120) -> tuple[str, dict[str, str]]:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            state = self.call(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            if state in ("success", "failed"):
                return state, self.states(dag_id, run_id)
            time.sleep(0.3)
        raise AssertionError(f"{dag_id} did not end: {self.states(dag_id, run_id)}")

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        instances = self.call(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"]
        return {instance["task_id"]: instance["state"] for instance in instances}

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}?deserialize=true"
        return self.call(path)["value"]

    def logs(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str]:
        """{kind: text} of the task's log files; a worker's and the triggerer's are apart."""
        folder = self.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        kinds: dict[str, str] = {}
        for path in sorted(folder.glob("attempt=*")):
            kind = "triggerer" if ".trigger." in path.name else "worker"
            kinds[kind] = kinds.get(kind, "") + path.read_text()
        return kinds


@pytest.fixture(scope="module")
def deployment(aws: local.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    import subprocess
    import sys

    home = tmp_path_factory.mktemp("deployment")
    dags = home / "dags"
    dags.mkdir()
    (dags / "pipelines.py").write_text(DAG_FILE)
    for name, document in documents(aws).items():
        (dags / name).write_text(json.dumps(document))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home / "standalone.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=ui.environment(dags, home, port, aws),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 240
        while not all(part == "healthy" for part in ui.health(port).values()):
            assert process.poll() is None, (home / "standalone.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "Airflow did not come up"
            time.sleep(0.5)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/auth/token", timeout=30) as answer:
            token = json.load(answer)["access_token"]
        yield Deployment(port, home, token)
    finally:
        ui.end_session(process)
        process.wait(30)


@pytest.mark.parametrize("dag_id", ["in-triggerer", "in-worker"])
def test_a_pipeline_runs_the_same_either_way_in(deployment: Deployment, aws: local.LocalAws, dag_id: str) -> None:
    run_id = deployment.trigger(dag_id, {"Mode": "fast"})
    state, states = deployment.wait(dag_id, run_id)
    assert states == {
        "First": "success",
        "Second": "success",
        "Which": "success",
        "Chosen": "success",
        "Other": "skipped",
        "pipeline.verdict": "success",
    }
    assert state == "success"
    first = deployment.xcom(dag_id, run_id, "First")
    logs = deployment.logs(dag_id, run_id, "Second")
    assert f"saw {first['Name']} fast" in logs["triggerer"]
    assert deployment.xcom(dag_id, run_id, "Which")["Decision"]["Sentence"] == 'True: Mode "fast" = "fast" is true'
    assert deployment.xcom(dag_id, run_id, "First", "console").endswith(first["Name"])
    assert first["Properties"] == {"ProcessingJobName": first["Name"]}
    workers = [name for name in WAITING if "worker" in deployment.logs(dag_id, run_id, name)]
    assert workers == ([] if dag_id == "in-triggerer" else list(WAITING))


def test_a_failed_job_fails_its_task_with_the_reason_and_the_run_with_the_verdict(deployment: Deployment) -> None:
    run_id = deployment.trigger("failing")
    state, states = deployment.wait("failing", run_id)
    assert state == "failed"
    assert states == {"Bad": "failed", "Behind": "upstream_failed", "pipeline.verdict": "failed"}
    logs = deployment.logs("failing", run_id, "Bad")
    assert "AlgorithmError" in logs["worker"]
    assert "no data today" in logs["triggerer"]
    verdict = deployment.xcom("failing", run_id, "pipeline.verdict")
    assert verdict == {"Status": "Failed", "Failed": ["Bad"], "Stopped": [], "NotStarted": ["Behind"], "NotTaken": []}


def test_clearing_a_waiting_step_stops_its_job_and_makes_one_new(deployment: Deployment, aws: local.LocalAws) -> None:
    run_id = deployment.trigger("long")
    client = aws.client("sagemaker")

    def jobs() -> list[dict[str, Any]]:
        found = client.list_processing_jobs(NameContains="-Long-", SortOrder="Ascending", MaxResults=100)
        return list(found["ProcessingJobSummaries"])

    def until(check: Any) -> None:
        deadline = time.monotonic() + 90
        while not check():
            assert time.monotonic() < deadline, [(j["ProcessingJobName"], j["ProcessingJobStatus"]) for j in jobs()]
            time.sleep(0.5)

    until(lambda: len(jobs()) == 1)
    deployment.call("/dags/long/clearTaskInstances", {"dag_run_id": run_id, "dry_run": False, "only_failed": False})
    until(lambda: len(jobs()) == 2 and jobs()[0]["ProcessingJobStatus"] == "Stopped")
    deployment.call(f"/dags/long/dagRuns/{run_id}/taskInstances/Long", {"new_state": "failed"}, "PATCH")
    until(lambda: jobs()[1]["ProcessingJobStatus"] == "Stopped")
    assert len(jobs()) == 2


@pytest.mark.parametrize("dag_id", ["long", "long-group"])
def test_a_run_that_is_marked_failed_leaves_no_job_running(
    deployment: Deployment, aws: local.LocalAws, dag_id: str
) -> None:
    group = "g." if dag_id == "long-group" else ""
    client = aws.client("sagemaker")

    def running() -> list[str]:
        found = client.list_processing_jobs(NameContains="-Long-", StatusEquals="InProgress")
        return [job["ProcessingJobName"] for job in found["ProcessingJobSummaries"]]

    run_id = deployment.trigger(dag_id)
    deadline = time.monotonic() + 60
    while not running() and time.monotonic() < deadline:
        time.sleep(0.3)
    assert len(running()) == 1
    deployment.call(f"/dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"}, "PATCH")
    state, states = deployment.wait(dag_id, run_id)
    assert state == "failed"
    assert running() == []
    last = "pipeline.sweep" if group else "pipeline.verdict"
    assert states[group + "Long"] == "failed"
    assert states[group + "Then"] == "skipped"
    assert states[group + last] == "failed"
    verdict = deployment.xcom(dag_id, run_id, group + last)
    assert verdict["Failed"] == [f"{group}Long"]


def test_a_run_that_is_marked_failed_while_nothing_runs_does_not_end_well(deployment: Deployment) -> None:
    deployment.call("/pools", {"name": "closed", "slots": 0})
    run_id = deployment.trigger("held")
    deadline = time.monotonic() + 60
    while deployment.states("held", run_id).get("Quick") != "success" and time.monotonic() < deadline:
        time.sleep(0.3)
    deployment.call(f"/dags/held/dagRuns/{run_id}", {"state": "failed"}, "PATCH")
    state, states = deployment.wait("held", run_id)
    assert states == {"Quick": "success", "Held": "skipped", "pipeline.verdict": "failed"}
    assert state == "failed"
    assert deployment.xcom("held", run_id, "pipeline.verdict")["Stopped"] == ["Held"]


@pytest.mark.parametrize("dag_id", ["control", "control-in-worker"])
def test_loops_handlers_operators_and_callbacks_run_in_a_deployment(
    deployment: Deployment, aws: local.LocalAws, dag_id: str
) -> None:
    import boto3

    run_id = deployment.trigger(dag_id)
    sqs = aws.client("sqs")
    queue = sqs.get_queue_url(QueueName="questions")["QueueUrl"]
    messages: list[Any] = []
    deadline = time.monotonic() + 90
    while not messages and time.monotonic() < deadline:
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", [])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
    message = json.loads(messages[0]["Body"])
    assert "-Each-2-" in message["arguments"]["asks"]
    # A consumer as it was written for SageMaker Pipelines: only its endpoint has changed.
    address = f"http://127.0.0.1:{deployment.port}/sagemaker-callbacks/api"
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    client = boto3.client("sagemaker", endpoint_url=address, **keys)
    with pytest.raises(client.exceptions.ClientError, match="no step waiting for the callback token AAAAAAAAAA"):
        client.send_pipeline_execution_step_success(CallbackToken="AAAAAAAAAA")
    if dag_id == "control":
        client.send_pipeline_execution_step_success(
            CallbackToken=message["token"], OutputParameters=[{"Name": "word", "Value": "fine"}]
        )
    else:
        from airflow_sagemaker_mlops.cli.callback import answer

        url = f"http://127.0.0.1:{deployment.port}"
        assert answer(message["token"], ["word=fine"], failure=None, url=url) == 0
        assert answer(message["token"], [], failure="late", url=url) == 1
    with pytest.raises(client.exceptions.ClientError, match="no step waiting"):
        client.send_pipeline_execution_step_failure(CallbackToken=message["token"])
    state, states = deployment.wait(dag_id, run_id)
    assert states == {
        "Load": "failed",
        "Handle.when": "success",
        "Handle": "success",
        "Never.when": "skipped",
        "Never": "skipped",
        "Loop": "success",
        "Note": "success",
        "Ask": "success",
        "Last": "success",
        "pipeline.verdict": "success",
    }
    assert state == "success"
    assert deployment.xcom(dag_id, run_id, "pipeline.verdict")["Status"] == "CompletedWithFailures"
    loop = deployment.xcom(dag_id, run_id, "Loop")["Loop"]
    assert (loop["InputItemCount"], loop["SucceededStepCount"]) == (3, 3)
    logs = deployment.logs(dag_id, run_id, "Last")["triggerer"]
    assert "third was pipelines-" in logs
    assert "+ fine" in logs
    if dag_id == "control":
        assert "worker" not in deployment.logs(dag_id, run_id, "Loop")
        assert "worker" not in deployment.logs(dag_id, run_id, "Ask")


def test_hand_written_tasks_stand_around_a_pipeline_and_read_its_properties(deployment: Deployment) -> None:
    run_id = deployment.trigger("mixed")
    state, states = deployment.wait("mixed", run_id)
    group = {"g.Make": "success", "g.pipeline.verdict": "success", "g.pipeline.sweep": "success"}
    assert states == {"before": "success", **group, "after": "success"}
    assert state == "success"
    made = deployment.xcom("mixed", run_id, "g.Make")["Name"]
    assert deployment.xcom("mixed", run_id, "after") == f"made by {made}"


def test_so_many_steps_run_at_a_time_though_they_hold_no_worker(deployment: Deployment, aws: local.LocalAws) -> None:
    run_id = deployment.trigger("two-at-a-time")
    state, states = deployment.wait("two-at-a-time", run_id)
    assert state == "success", states
    client = aws.client("sagemaker")
    names = [deployment.xcom("two-at-a-time", run_id, f"W{i}")["Name"] for i in range(5)]
    jobs = [client.describe_processing_job(ProcessingJobName=name) for name in names]
    ends = [(job["CreationTime"], 1) for job in jobs] + [(job["ProcessingEndTime"], -1) for job in jobs]
    running = most = 0
    for _, change in sorted(ends):
        running += change
        most = max(most, running)
    assert most == 2
    assert not any("worker" in deployment.logs("two-at-a-time", run_id, f"W{i}") for i in range(5))


def test_a_loop_of_a_thousand_items_makes_a_thousand_resources(deployment: Deployment, aws: local.LocalAws) -> None:
    run_id = deployment.trigger("thousand")
    state, states = deployment.wait("thousand", run_id, timeout_s=240)
    assert state == "success", states
    client = aws.client("sagemaker")
    pages = client.get_paginator("list_models").paginate(NameContains="One")
    numbers = set()
    for model in (model for page in pages for model in page["Models"]):
        found = client.describe_model(ModelName=model["ModelName"])
        numbers.add(int(found["PrimaryContainer"]["Environment"]["NUMBER"]))
    assert numbers == set(range(1000))
    assert "worker" not in deployment.logs("thousand", run_id, "Thousand")
