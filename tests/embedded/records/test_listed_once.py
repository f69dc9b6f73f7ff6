"""What a job wrote is listed once, for its own step and the next."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.capture.background_writes import BackgroundWrites
from airflow_sagemaker_mlops.records.capture.recorder import Recorder
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.runs.clients import local_aws_clients


def processing(role: str, source: Any, target: str) -> dict[str, Any]:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    folder = "/opt/ml/processing"
    command = ["sh", "-c", f"cp -r {folder}/input/. {folder}/output"]
    return {
        "RoleArn": role,
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": command},
        "ProcessingInputs": [
            {
                "InputName": "in",
                "S3Input": {"S3Uri": source, "LocalPath": f"{folder}/input", "S3DataType": "S3Prefix"},
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {"S3Uri": target, "LocalPath": f"{folder}/output", "S3UploadMode": "EndOfJob"},
                }
            ]
        },
        "ProcessingResources": {"ClusterConfig": cluster},
    }


@pytest.mark.e2e
def test_what_a_job_left_is_listed_once_for_its_step_and_the_next(aws: LocalAws, tmp_path: Path) -> None:
    clients = local_aws_clients(aws)
    s3, bucket = clients.client("s3"), f"fresh-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="day/a.csv", Body=b"1")
    listed: list[str] = []
    s3.meta.events.register(
        "before-parameter-build.s3.ListObjectVersions", lambda params, **_: listed.append(params["Prefix"])
    )
    uri = f"s3://{bucket}"
    second = processing(
        aws.role_arn, {"Get": "Steps.First.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}, f"{uri}/b/"
    )
    document = {
        "Version": "2020-12-01",
        "Steps": [
            {"Name": "First", "Type": "Processing", "Arguments": processing(aws.role_arn, f"{uri}/day/", f"{uri}/a/")},
            {"Name": "Second", "Type": "Processing", "Arguments": second},
        ],
    }
    recorder = Recorder(FolderStore(tmp_path), "two", "r1", s3, background=BackgroundWrites())
    run = PipelineRun(
        plan=make_plan(load_pipeline(document)),
        pipeline="two",
        run_id="r1",
        aws=clients,
        parameters={},
        options=ExecutionOptions(poll_interval_s=0.2),
        notify=lambda _step, _line: None,
        recorder=recorder,
    )
    asyncio.run(run.run())
    assert run.status == "Succeeded"
    assert sorted(listed) == ["a/", "b/", "day/"]
    first, then = recorder.step_records
    assert [(a.uri, a.objects, a.sha256) for a in then.inputs] == [(a.uri, a.objects, a.sha256) for a in first.outputs]
    assert then.inputs[0].role == "input"
