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
    long = [step(aws, "Long", "import time; time.sleep(120)")]
    return {
        "pipeline.json": {"Version": "2020-12-01", "Parameters": mode, "Steps": pipeline},
        "failing.json": {"Version": "2020-12-01", "Steps": failing},
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
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2{path}", data, headers, method=method)
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
    assert verdict == {"Status": "Failed", "Failed": ["Bad"], "NotStarted": ["Behind"], "NotTaken": []}


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
