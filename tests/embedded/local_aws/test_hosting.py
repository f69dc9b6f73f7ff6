"""Endpoints of the embedded AWS: the models they serve, and their deletion."""

from __future__ import annotations

import io
import json
import os
import signal
import tarfile
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from airflow_sagemaker_mlops.local_aws import LocalAws, serving
from airflow_sagemaker_mlops.local_aws.errors import AwsError
from airflow_sagemaker_mlops.local_aws.processes import is_alive
from airflow_sagemaker_mlops.local_aws.sagemaker.context import Context
from airflow_sagemaker_mlops.local_aws.sagemaker.operations import HANDLERS
from airflow_sagemaker_mlops.local_aws.store import Store

BUSY = ("Creating", "Updating", "RollingBack")
SCRIPT = """
def model_fn(d): return open(d + "/word").read()
def input_fn(body, kind): return body.decode()
def predict_fn(data, model): return {"ask": model}[data]
def output_fn(prediction, accept): return prediction
"""


def model(aws: LocalAws, word: str) -> str:
    """Create a model and an endpoint configuration of one name; the model answers ``ask`` with its word."""
    packed, name = io.BytesIO(), f"{word}-{uuid.uuid4().hex[:8]}"
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in (("word", word), ("code/inference.py", SCRIPT)):
            info = tarfile.TarInfo(path)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    aws.client("s3").put_object(Bucket=aws.bucket, Key=f"{name}.tar.gz", Body=packed.getvalue())
    client, data = aws.client("sagemaker"), f"s3://{aws.bucket}/{name}.tar.gz"
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1"
    client.create_model(
        ModelName=name, ExecutionRoleArn=aws.role_arn, PrimaryContainer={"Image": image, "ModelDataUrl": data}
    )
    variant = {"VariantName": f"of-{word}", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return name


def in_service(client: Any, name: str) -> None:
    def status() -> str:
        found = str(client.describe_endpoint(EndpointName=name)["EndpointStatus"])
        return "" if found in BUSY else found

    assert until(status) == "InService"


@pytest.mark.e2e
def test_a_recreated_endpoint_serves_its_new_model_and_names_the_variant(aws: LocalAws) -> None:
    client, runtime, name = aws.client("sagemaker"), aws.client("sagemaker-runtime"), f"e-{uuid.uuid4().hex[:8]}"
    first, second = model(aws, "first"), model(aws, "second")
    for config, word in ((first, "first"), (second, "second")):
        client.create_endpoint(EndpointName=name, EndpointConfigName=config)
        in_service(client, name)
        answer = runtime.invoke_endpoint(EndpointName=name, Body=b"ask")
        assert (answer["Body"].read(), answer["InvokedProductionVariant"]) == (word.encode(), f"of-{word}")
        with pytest.raises(runtime.exceptions.ModelError) as caught:
            runtime.invoke_endpoint(EndpointName=name, Body=b"other")
        assert caught.value.response["OriginalStatusCode"] == 500
        assert caught.value.response["OriginalMessage"] == "KeyError: 'other'"
        if word == "second":
            status = json.loads((Path(aws.state_dir) / "endpoints" / name / "1" / "status.json").read_text())
            os.kill(status["pid"], signal.SIGKILL)
        client.delete_endpoint(EndpointName=name)
    until(lambda: not is_alive(status["child"], status["child_start"]), "the server of the endpoint goes on")
    assert not (Path(aws.state_dir) / "endpoints" / name).exists()


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Two models, ``old`` and ``new``, with configurations of the same names; servers are recorded, not started."""
    monkeypatch.setattr(serving, "_start", lambda folder: serving.write(folder, {"status": "InService"}))
    aws = LocalAws("http://127.0.0.1:1", "us-east-1", "123456789012", "k", "s", "b", "r", str(tmp_path), 1, 1)
    where = Context(Store(tmp_path / "store.sqlite"), aws, aws.region)
    for name in ("old", "new"):
        call(where, "CreateModel", ModelName=name, PrimaryContainer={"Image": name})
        variants = [{"VariantName": "v", "ModelName": name}]
        call(where, "CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=variants)
    return where


def call(context: Context, operation: str, **members: Any) -> Any:
    return HANDLERS[operation](context, members)


def images(context: Context) -> dict[str, str]:
    """{folder: the image that its server should serve}."""
    requests = sorted((context.state_dir / "endpoints" / "e").glob("*/request.json"))
    return {path.parent.name: json.loads(path.read_text())["containers"][0]["Image"] for path in requests}


def test_a_deleted_model_makes_no_endpoint(context: Context) -> None:
    call(context, "DeleteModel", ModelName="old")
    with pytest.raises(AwsError, match="Could not find model"):
        call(context, "CreateEndpoint", EndpointName="e", EndpointConfigName="old")
    assert call(context, "ListEndpoints")["Endpoints"] == []


def test_an_endpoint_outlives_its_configuration(context: Context) -> None:
    call(context, "CreateEndpoint", EndpointName="e", EndpointConfigName="old")
    call(context, "DeleteEndpointConfig", EndpointConfigName="old")
    (found,) = call(context, "ListEndpoints")["Endpoints"]
    assert [variant["VariantName"] for variant in found["ProductionVariants"]] == ["v"]


def described(context: Context) -> dict[str, Any]:
    """The endpoint "e" once nothing is being done about it."""

    def settled() -> dict[str, Any]:
        found: dict[str, Any] = call(context, "DescribeEndpoint", EndpointName="e")
        return {} if found["EndpointStatus"] in BUSY else found

    return until(settled)


def test_an_update_after_a_failed_one_starts_in_its_own_folder(context: Context) -> None:
    call(context, "CreateEndpoint", EndpointName="e", EndpointConfigName="old")
    call(context, "UpdateEndpoint", EndpointName="e", EndpointConfigName="new")
    failed = context.state_dir / "endpoints" / "e" / "2"
    serving.write(failed, {"status": "Failed", "failure_reason": "bad"})
    assert call(context, "DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "RollingBack"
    found = described(context)
    assert (found["EndpointStatus"], found["EndpointConfigName"], found["FailureReason"]) == ("InService", "old", "bad")
    call(context, "UpdateEndpoint", EndpointName="e", EndpointConfigName="old")
    assert images(context) == {"1": "old", "2": "new", "3": "old"}


def test_a_failed_endpoint_can_only_be_deleted(context: Context) -> None:
    call(context, "CreateEndpoint", EndpointName="e", EndpointConfigName="old")
    serving.write(context.state_dir / "endpoints" / "e" / "1", {"status": "Failed", "failure_reason": "bad"})
    with pytest.raises(AwsError, match="it is Failed and can only be deleted"):
        call(context, "UpdateEndpoint", EndpointName="e", EndpointConfigName="new")


def test_a_model_server_finds_no_files_of_another_model(context: Context, tmp_path: Path) -> None:
    left = tmp_path / "endpoints" / "e" / "1" / "opt_ml" / "model" / "word"
    left.parent.mkdir(parents=True)
    left.touch()
    call(context, "CreateEndpoint", EndpointName="e", EndpointConfigName="old")
    assert not left.exists()


def test_an_update_that_cannot_go_back_says_so_and_may_be_tried_again(context: Context) -> None:
    call(context, "CreateEndpoint", EndpointName="e", EndpointConfigName="old")
    call(context, "UpdateEndpoint", EndpointName="e", EndpointConfigName="new")
    for generation in ("1", "2"):
        serving.write(context.state_dir / "endpoints" / "e" / generation, {"status": "Failed", "failure_reason": "bad"})
    found = described(context)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("UpdateRollbackFailed", "old")


def test_weights_are_changed_without_a_new_fleet(context: Context) -> None:
    variants = [{"VariantName": name, "ModelName": name, "InitialVariantWeight": 1} for name in ("old", "new")]
    call(context, "CreateEndpointConfig", EndpointConfigName="both", ProductionVariants=variants)
    call(context, "CreateEndpoint", EndpointName="e", EndpointConfigName="both")
    rows = [{"VariantName": "new", "DesiredWeight": 3.0, "DesiredInstanceCount": 2}]
    call(context, "UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=rows)
    found = call(context, "DescribeEndpoint", EndpointName="e")["ProductionVariants"]
    assert [(row["VariantName"], row["CurrentWeight"], row["CurrentInstanceCount"]) for row in found] == [
        ("old", 1.0, 1),
        ("new", 3.0, 2),
    ]
    assert images(context) == {"1": "old", "1-1": "new"}
    call(context, "UpdateEndpoint", EndpointName="e", EndpointConfigName="both", RetainAllVariantProperties=True)
    pending = call(context, "DescribeEndpoint", EndpointName="e")["ProductionVariants"]
    assert [row["CurrentWeight"] for row in pending] == [1.0, 3.0]


def test_a_shadow_goes_with_one_production_variant(context: Context) -> None:
    variants = [{"VariantName": name, "ModelName": "old"} for name in ("a", "b")]
    shadow = [{"VariantName": "s", "ModelName": "new"}]
    with pytest.raises(AwsError, match="one production variant and one shadow variant"):
        call(
            context,
            "CreateEndpointConfig",
            EndpointConfigName="x",
            ProductionVariants=variants,
            ShadowProductionVariants=shadow,
        )


def canary(alarm: str, wait: int) -> dict[str, Any]:
    routing = {
        "Type": "CANARY",
        "WaitIntervalInSeconds": wait,
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": wait}
    return {
        "BlueGreenUpdatePolicy": policy,
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }


@pytest.mark.e2e
def test_a_client_sees_no_error_while_a_canary_is_rolled_back_and_another_one_succeeds(aws: LocalAws) -> None:
    client, runtime, watch = aws.client("sagemaker"), aws.client("sagemaker-runtime"), aws.client("cloudwatch")
    name = f"e-{uuid.uuid4().hex[:8]}"
    first, second = model(aws, "first"), model(aws, "second")
    watch.put_metric_alarm(
        AlarmName=name,
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Threshold=1.0,
        Statistic="Sum",
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=first)
    in_service(client, name)
    answers: list[str] = []
    errors: list[Exception] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            try:
                answers.append(runtime.invoke_endpoint(EndpointName=name, Body=b"ask")["Body"].read().decode())
            except Exception as error:
                errors.append(error)

    def until_answered(word: str) -> None:
        answers.clear()
        until(lambda: word in answers, lambda: (answers, errors))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        client.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=canary(name, 3600))
        until_answered("second")
        found = client.describe_endpoint(EndpointName=name)
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("Updating", first)
        assert found["PendingDeploymentSummary"]["EndpointConfigName"] == second
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
        in_service(client, name)
        found = client.describe_endpoint(EndpointName=name)
        assert (found["EndpointConfigName"], name in found["FailureReason"]) == (first, True)
        watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
        client.update_endpoint(EndpointName=name, EndpointConfigName=second, DeploymentConfig=canary(name, 20))
        in_service(client, name)
        found = client.describe_endpoint(EndpointName=name)
        assert (found["EndpointConfigName"], found.get("FailureReason")) == (second, None)
        assert found["LastDeploymentConfig"] == canary(name, 20)
        answers.clear()
        until_answered("second")
    finally:
        ended.set()
        asking.join()
        client.delete_endpoint(EndpointName=name)
    assert errors == []


@pytest.mark.e2e
def test_a_shadow_variant_is_asked_too_and_both_answers_are_captured(aws: LocalAws) -> None:
    client, runtime, name = aws.client("sagemaker"), aws.client("sagemaker-runtime"), f"e-{uuid.uuid4().hex[:8]}"
    variants = {
        word: {"VariantName": word, "ModelName": model(aws, word), "InitialVariantWeight": 1}
        for word in ("now", "next")
    }
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variants["now"]],
        ShadowProductionVariants=[variants["next"]],
        DataCaptureConfig={
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{aws.bucket}/captured",
            "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    in_service(client, name)
    asked = {"EndpointName": name, "Body": b"ask", "ContentType": "text/csv", "Accept": "text/csv", "InferenceId": "7"}
    assert runtime.invoke_endpoint(**asked)["Body"].read() == b"now"
    with pytest.raises(runtime.exceptions.ClientError, match="Variant next not found"):
        runtime.invoke_endpoint(**asked, TargetVariant="next")
    bucket = aws.client("s3")

    def both() -> list[Any]:
        found = bucket.list_objects_v2(Bucket=aws.bucket, Prefix=f"captured/{name}/").get("Contents", [])
        return list(found) if len(found) == 2 else []

    files = until(both, "the two calls are not captured", every_s=0.1)
    client.delete_endpoint(EndpointName=name)
    captured = {}
    for file in files:
        line = json.loads(bucket.get_object(Bucket=aws.bucket, Key=file["Key"])["Body"].read())
        captured[file["Key"].split("/")[2]] = line["captureData"]["endpointOutput"]["data"]
        assert line["eventMetadata"]["inferenceId"] == "7"
    assert captured == {"now": "now", "next": "next"}
