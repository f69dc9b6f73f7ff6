"""``dag.test()``: the quick way to try a pipeline, in one process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import processing

from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.airflow

CODE = """
import json, sys
from airflow_sagemaker_mlops import SageMakerPipelineDag
file, steps, *ways = sys.argv[1:]
for way in ways:
    options = {"poll_interval_s": 1, "start_in": way or None, "steps": json.loads(steps)}
    globals()[way] = SageMakerPipelineDag(f"tried-{way}", definition=file, **options)
if __name__ == "__main__":
    for way in ways:
        run = globals()[way].test()
        print("STATES", run.state, sorted((ti.task_id, ti.state) for ti in run.get_task_instances()))
"""
BOTH_WAYS = ("triggerer", "worker")


def tried(
    aws: LocalAws, folder: Path, document: object, *ways: str, steps: object = (), **more: str
) -> tuple[list[str], str]:
    """(states of each run, everything printed) of ``dag.test()`` on ``document``; a run for each way to start steps."""
    (folder / "pipeline.json").write_text(json.dumps(document))
    (folder / "tried.py").write_text(CODE)
    environment = {
        **os.environ,
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "tried.py", "pipeline.json", json.dumps(dict(steps)), *ways],  # type: ignore[call-overload]
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    printed = done.stdout + done.stderr
    states = [line for line in done.stdout.splitlines() if line.startswith("STATES")]
    assert len(states) == len(ways), printed[-5000:]
    return states, printed


def step(aws: LocalAws, name: str, **more: object) -> dict[str, Any]:
    return processing(aws.role_arn, name, "true", **more)


@pytest.mark.usefixtures("airflow_db")
def test_a_pipeline_can_be_tried_with_dag_test(aws: LocalAws, tmp_path: Path) -> None:
    steps = [step(aws, "First"), step(aws, "Second", DependsOn=["First"])]
    (states,), _ = tried(aws, tmp_path, {"Version": "2020-12-01", "Steps": steps}, "")
    assert states == "STATES success [('First', 'success'), ('Second', 'success'), ('pipeline.status', 'success')]"


@pytest.mark.usefixtures("airflow_db")
def test_a_retry_policy_is_followed_either_way_in(aws: LocalAws, tmp_path: Path) -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 2}
    full = {"Train": {"Status": "Failed", "FailureReason": "CapacityError: no instances"}}
    (tmp_path / "stubs.json").write_text(json.dumps(full))
    document = {"Version": "2020-12-01", "Steps": [step(aws, "Train", RetryPolicies=[policy])]}
    setting = {"AIRFLOW__SAGEMAKER_MLOPS__STUBS": str(tmp_path / "stubs.json")}
    states, printed = tried(aws, tmp_path, document, *BOTH_WAYS, **setting)
    assert states == ["STATES failed [('Train', 'failed'), ('pipeline.status', 'failed')]"] * 2
    retries = re.findall(r"SageMaker\.CAPACITY_ERROR: retry (\d) of 2 in 1 s", printed)
    assert list(dict.fromkeys(retries)) == ["1", "2"], printed[-8000:]
    assert retries.count("1") == retries.count("2") >= 2
    assert "retry 3" not in printed


@pytest.mark.usefixtures("airflow_db")
def test_a_stub_answers_for_the_people_whom_an_approval_asks(aws: LocalAws, tmp_path: Path) -> None:
    asks = {"ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/1"}
    approved = {"Type": "Equals", "LeftValue": {"Get": "Steps.Ask.Approved"}, "RightValue": True}
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "rejected"}}
    decides = {"Conditions": [approved], "IfSteps": [], "ElseSteps": [stop]}
    document = {
        "Version": "2020-12-01",
        "Steps": [
            {"Name": "Ask", "Type": "x-approval", "Arguments": asks},
            {"Name": "Decide", "Type": "Condition", "Arguments": decides},
        ],
    }
    (tmp_path / "stubs.json").write_text(json.dumps({"Ask": {"Properties": {"Approved": False}}}))
    setting = {"AIRFLOW__SAGEMAKER_MLOPS__STUBS": str(tmp_path / "stubs.json")}
    states, printed = tried(aws, tmp_path, document, "worker", **setting)
    expected = [("Ask", "success"), ("Decide", "success"), ("Stop", "failed"), ("pipeline.status", "failed")]
    assert states == [f"STATES failed {expected}"], printed[-8000:]


@pytest.mark.usefixtures("airflow_db")
def test_steps_of_one_pipeline_run_in_other_regions_and_accounts(aws: LocalAws, tmp_path: Path) -> None:
    there = {"region_name": "eu-west-1", "assume_role_arn": "arn:aws:iam::210987654321:role/Trainer"}
    name = {"Get": "Steps.Here.ProcessingJobName"}
    far = step(aws, "There")
    far["Arguments"] = {**far["Arguments"], "Environment": {"BEFORE": name}}
    document = {"Version": "2020-12-01", "Steps": [step(aws, "Here"), far]}
    states, printed = tried(aws, tmp_path, document, *BOTH_WAYS, steps={"There": there})
    good = "STATES success [('Here', 'success'), ('There', 'success'), ('pipeline.status', 'success')]"
    assert states == [good] * 2, printed
    client = aws.session().client("sagemaker", region_name="eu-west-1", endpoint_url=aws.endpoint_url)
    jobs = client.list_processing_jobs()["ProcessingJobSummaries"]
    assert [job["ProcessingJobName"].rsplit("-", 2)[1] for job in jobs] == ["There"] * 2
    assert {job["ProcessingJobStatus"] for job in jobs} == {"Completed"}


BACKFILL = """
import json
from datetime import UTC, datetime
from airflow_sagemaker_mlops import SageMakerPipelineDag

parameters = {"Day": "{{ ds }}", "Count": "{{ logical_date.day }}"}
dag = SageMakerPipelineDag(
    "daily", "pipeline.json", schedule="@daily", parameters=parameters, poll_interval_s=1, records="records"
)
if __name__ == "__main__":
    runs = [(datetime(2024, 1, day, tzinfo=UTC), {}) for day in (29, 30, 31)]
    runs += [(datetime(2024, 2, 1, tzinfo=UTC), {"Day": "{{ ds }}"}), (datetime(2024, 2, 2, tzinfo=UTC), {"Dya": "x"})]
    for date, conf in runs:
        run = dag.test(logical_date=date, run_conf=conf)
        print("ENDED", json.dumps([run.run_id, run.state]))
"""


@pytest.mark.usefixtures("airflow_db")
def test_a_backfill_of_three_days_processes_three_days(aws: LocalAws, tmp_path: Path) -> None:
    from airflow_sagemaker_mlops.records.store.folder import FolderStore
    from airflow_sagemaker_mlops.records.store.reader import read_record

    parameters = [{"Name": "Day", "Type": "String"}, {"Name": "Count", "Type": "Integer"}]
    one = step(aws, "ProcessDay")
    one["Arguments"] = {**one["Arguments"], "Environment": {"DAY": {"Get": "Parameters.Day"}}}
    document = {"Version": "2020-12-01", "Parameters": parameters, "Steps": [one]}
    (tmp_path / "pipeline.json").write_text(json.dumps(document))
    (tmp_path / "daily.py").write_text(BACKFILL)
    environment = {
        **os.environ,
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "daily.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    ended = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("ENDED")]
    assert [state for _, state in ended] == ["success"] * 4 + ["failed"], (done.stdout + done.stderr)[-5000:]
    store = FolderStore(tmp_path / "records")
    days = []
    for run_id, _ in ended[:4]:
        record = read_record(store, "daily", run_id)
        values = {name: item["value"] for name, item in record["externalParameters"].items()}
        (made,) = record["steps"]
        assert made["request"]["Environment"]["DAY"] == values["Day"]
        days.append((values["Day"], values["Count"]))
    # What somebody gives a run is data: it is never rendered.
    assert days == [("2024-01-29", 29), ("2024-01-30", 30), ("2024-01-31", 31), ("{{ ds }}", 1)]
    assert '[SM416] "Dya" is not a parameter of this DAG.' in done.stdout + done.stderr
