"""``dag.test()``: the quick way to try a pipeline, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_sagemaker_mlops import local

pytestmark = pytest.mark.airflow

CODE = """
import json, sys
from airflow_sagemaker_mlops import SageMakerPipelineDag
file, start_in, steps = [*sys.argv[1:], *[None, "{}"][len(sys.argv) - 2:]]
dag = SageMakerPipelineDag("tried", definition=file, poll_interval_s=1, start_in=start_in, steps=json.loads(steps))
if __name__ == "__main__":
    run = dag.test()
    print("STATES", run.state, sorted((ti.task_id, ti.state) for ti in run.get_task_instances()))
"""


def tried(aws: local.LocalAws, folder: Path, document: object, *words: str, **more: str) -> tuple[str, str]:
    """(states, everything printed) of ``dag.test()`` on ``document``."""
    (folder / "pipeline.json").write_text(json.dumps(document))
    (folder / "tried.py").write_text(CODE)
    environment = {
        **os.environ,
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "tried.py", "pipeline.json", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    printed = done.stdout + done.stderr
    states = [line for line in done.stdout.splitlines() if line.startswith("STATES")]
    assert states, printed[-5000:]
    return states[0], printed


def step(aws: local.LocalAws, name: str, **more: object) -> dict[str, object]:
    arguments = {
        "RoleArn": aws.role_arn,
        "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


@pytest.mark.usefixtures("airflow_db")
def test_a_pipeline_can_be_tried_with_dag_test(aws: local.LocalAws, tmp_path: Path) -> None:
    steps = [step(aws, "First"), step(aws, "Second", DependsOn=["First"])]
    states, _ = tried(aws, tmp_path, {"Version": "2020-12-01", "Steps": steps})
    assert "success [('First', 'success'), ('Second', 'success'), ('pipeline.verdict', 'success')]" in states


@pytest.mark.usefixtures("airflow_db")
@pytest.mark.parametrize("start_in", ["triggerer", "worker"])
def test_a_retry_policy_is_followed_either_way_in(aws: local.LocalAws, tmp_path: Path, start_in: str) -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 2}
    full = {"Train": {"Status": "Failed", "FailureReason": "CapacityError: no instances"}}
    (tmp_path / "stand-ins.json").write_text(json.dumps(full))
    document = {"Version": "2020-12-01", "Steps": [step(aws, "Train", RetryPolicies=[policy])]}
    setting = {"AIRFLOW__SAGEMAKER_MLOPS__STAND_INS": str(tmp_path / "stand-ins.json")}
    states, printed = tried(aws, tmp_path, document, start_in, **setting)
    assert "failed [('Train', 'failed'), ('pipeline.verdict', 'failed')]" in states
    assert "SageMaker.CAPACITY_ERROR: retry 1 of 2 in 1 s" in printed
    assert "SageMaker.CAPACITY_ERROR: retry 2 of 2 in 1 s" in printed
    assert "retry 3" not in printed


@pytest.mark.usefixtures("airflow_db")
@pytest.mark.parametrize("start_in", ["triggerer", "worker"])
def test_steps_of_one_pipeline_run_in_other_regions_and_accounts(
    aws: local.LocalAws, tmp_path: Path, start_in: str
) -> None:
    there = {"region_name": "eu-west-1", "assume_role_arn": "arn:aws:iam::210987654321:role/Trainer"}
    name = {"Get": "Steps.Here.ProcessingJobName"}
    far = step(aws, "There")
    far["Arguments"] = {**far["Arguments"], "Environment": {"BEFORE": name}}  # type: ignore[dict-item]
    document = {"Version": "2020-12-01", "Steps": [step(aws, "Here"), far]}
    states, printed = tried(aws, tmp_path, document, start_in, json.dumps({"There": there}))
    assert "success [('Here', 'success'), ('There', 'success'), ('pipeline.verdict', 'success')]" in states, printed
    client = aws.session().client("sagemaker", region_name="eu-west-1", endpoint_url=aws.endpoint_url)
    jobs = client.list_processing_jobs()["ProcessingJobSummaries"]
    assert {job["ProcessingJobName"].rsplit("-", 2)[1] for job in jobs} == {"There"}
    assert jobs[0]["ProcessingJobStatus"] == "Completed"
