"""A model that is checked, deployed by a canary, tested, and rolled back: the steps in one pipeline."""

from __future__ import annotations

import asyncio
import io
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.runs.callback_inbox import LocalCallbackInbox
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

PROBABILITY = {"Minimum": 0, "Maximum": {"Get": "Parameters.Highest"}}
HIGHEST = {"Name": "Highest", "Type": "Float", "DefaultValue": 1}
SCRIPT = """
def model_fn(d): return open(d + "/answer").read()
def input_fn(body, kind): return body.decode()
def predict_fn(data, model): return model
def output_fn(prediction, accept): return prediction
"""


def model_data(aws: LocalAws, name: str, answer: str) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in (("answer", answer), ("code/inference.py", SCRIPT)):
            info = tarfile.TarInfo(path)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    aws.client("s3").put_object(Bucket=aws.bucket, Key=f"{name}.tar.gz", Body=packed.getvalue())
    return f"s3://{aws.bucket}/{name}.tar.gz"


def deployment(aws: LocalAws, endpoint: str, answer: str) -> list[dict[str, Any]]:
    """A model that answers every record alike, checked, deployed by a canary and tested."""
    name = f"{endpoint}-{uuid.uuid4().hex[:6]}"
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1"
    container = {"Image": image, "ModelDataUrl": model_data(aws, name, answer)}
    records = f"s3://{aws.bucket}/{endpoint}/records.csv"
    aws.client("s3").put_object(Bucket=aws.bucket, Key=f"{endpoint}/records.csv", Body=b"1,2\n3,4\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": records}}
    transform = {
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": f"s3://{aws.bucket}/{endpoint}/checks", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "BatchStrategy": "SingleRecord",
    }
    variant = {
        "VariantName": "v",
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
    }
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 100, "CanarySize": size}
    update = {
        "EndpointName": endpoint,
        "EndpointConfigName": {"Get": "Steps.Config.EndpointConfigName"},
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 100},
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": endpoint}]},
        },
    }
    return [
        {
            "Name": "Model",
            "Type": "Model",
            "Arguments": {"ExecutionRoleArn": aws.role_arn, "PrimaryContainer": container},
        },
        {"Name": "CanServe", "Type": "x-serving-check", "Arguments": transform, "Expect": PROBABILITY},
        {
            "Name": "Config",
            "Type": "EndpointConfig",
            "DependsOn": ["CanServe"],
            "Arguments": {"EndpointConfigName": name, "ProductionVariants": [variant]},
        },
        {"Name": "Deploy", "Type": "Endpoint", "Arguments": update},
        {
            "Name": "Serves",
            "Type": "x-smoke-test",
            "DependsOn": ["Deploy"],
            "Arguments": {"EndpointName": endpoint, "Records": records},
            "Expect": PROBABILITY,
        },
    ]


def run(aws: LocalAws, steps: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """{step: (its state, its error)}."""
    running = PipelineRun(
        plan=make_plan(load_pipeline({"Version": "2020-12-01", "Parameters": [HIGHEST], "Steps": steps})),
        pipeline="serving",
        run_id=uuid.uuid4().hex,
        aws=local_aws_clients(aws),
        parameters={},
        options=ExecutionOptions(poll_interval_s=0.2),
        notify=lambda _step, _line: None,
        inbox=LocalCallbackInbox(Path(aws.state_dir)),
    )
    asyncio.run(running.run())
    return {name: (step.state, step.error) for name, step in running.steps.items()}


@pytest.mark.e2e
def test_a_model_is_deployed_once_it_answers_and_an_alarm_brings_the_one_before_back(aws: LocalAws) -> None:
    endpoint, client = f"e-{uuid.uuid4().hex[:8]}", aws.client("cloudwatch")
    alarm = {"Namespace": "n", "MetricName": "m", "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1.0}
    client.put_metric_alarm(AlarmName=endpoint, EvaluationPeriods=1, Period=60, Statistic="Sum", **alarm)
    ended = run(aws, deployment(aws, endpoint, "0.25"))
    assert {state for state, _error in ended.values()} == {"Succeeded"}, ended
    ended = run(aws, deployment(aws, endpoint, "7"))
    assert (ended["CanServe"][0], ended["Deploy"][0]) == ("Failed", "NotStarted")
    assert "record 1 of 2 was answered with '7': 7 is above 1" in ended["CanServe"][1]
    client.set_alarm_state(AlarmName=endpoint, StateValue="ALARM", StateReason="a test")
    ended = run(aws, deployment(aws, endpoint, "0.75"))
    assert (ended["Deploy"][0], ended["Serves"][0]) == ("Failed", "NotStarted")
    assert f'rolled back because of the alarm "{endpoint}"' in ended["Deploy"][1]
    answer = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"1,2", ContentType="text/csv")
    assert answer["Body"].read() == b"0.25"
    aws.client("sagemaker").delete_endpoint(EndpointName=endpoint)
