"""Clients other than pipelines on the embedded AWS: feature store, notebook jobs, metrics of jobs."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from waiting import until, until_dead

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.e2e
GROUP: dict[str, Any] = {
    "FeatureGroupName": "customers",
    "RecordIdentifierFeatureName": "id",
    "EventTimeFeatureName": "at",
    "FeatureDefinitions": [
        {"FeatureName": "id", "FeatureType": "String"},
        {"FeatureName": "at", "FeatureType": "String"},
        {"FeatureName": "orders", "FeatureType": "Integral"},
        {"FeatureName": "tags", "FeatureType": "String", "CollectionType": "List"},
    ],
    "OnlineStoreConfig": {"EnableOnlineStore": True},
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    state_dir = tmp_path_factory.mktemp("clients")
    yield local_aws.start(state_dir)
    local_aws.stop(state_dir)


@pytest.fixture(scope="module")
def features(box: LocalAws) -> Any:
    box.client("sagemaker").create_feature_group(**GROUP)
    return box.client("sagemaker-featurestore-runtime")


def record(identifier: str, at: str, orders: str, **more: list[str]) -> dict[str, Any]:
    values = [{"FeatureName": n, "ValueAsString": v} for n, v in (("id", identifier), ("at", at), ("orders", orders))]
    values += [{"FeatureName": name, "ValueAsStringList": texts} for name, texts in more.items()]
    return {"FeatureGroupName": "customers", "Record": values}


def values_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {row["FeatureName"]: row.get("ValueAsString") or row.get("ValueAsStringList") for row in answer["Record"]}


def key(identifier: str, **more: Any) -> dict[str, Any]:
    return {"FeatureGroupName": "customers", "RecordIdentifierValueAsString": identifier, **more}


def test_the_online_store_has_the_record_of_the_latest_event(features: Any) -> None:
    features.put_record(**record("a", "2026-01-02T00:00:00Z", "2", tags=["new", "vip"]))
    features.put_record(**record("a", "2026-01-01T00:00:00Z", "1"))  # arrives late
    assert values_of(features.get_record(**key("a"))) == {
        "id": "a",
        "at": "2026-01-02T00:00:00Z",
        "orders": "2",
        "tags": ["new", "vip"],
    }
    assert values_of(features.get_record(**key("a", FeatureNames=["orders", "id"]))) == {"id": "a", "orders": "2"}


def test_records_are_read_in_batches_and_missing_records_are_no_error(features: Any) -> None:
    features.put_record(**record("b", "1767225600", "1"))
    asked = [{"FeatureGroupName": "customers", "RecordIdentifiersValueAsString": ["b", "none"]}]
    asked.append({"FeatureGroupName": "no-group", "RecordIdentifiersValueAsString": ["b"]})
    answer = features.batch_get_record(Identifiers=asked)
    assert [row["RecordIdentifierValueAsString"] for row in answer["Records"]] == ["b"]
    assert [row["ErrorCode"] for row in answer["Errors"]] == ["ResourceNotFound"]
    assert "Record" not in features.get_record(**key("none"))


def test_a_deleted_record_returns_only_with_a_later_event(features: Any) -> None:
    features.put_record(**record("c", "2026-01-01T00:00:00Z", "1"))
    features.delete_record(**key("c", EventTime="2026-01-03T00:00:00Z"))
    assert "Record" not in features.get_record(**key("c"))
    features.put_record(**record("c", "2026-01-02T00:00:00Z", "2"))
    assert "Record" not in features.get_record(**key("c"))
    features.put_record(**record("c", "2026-01-04T00:00:00Z", "3"))
    assert values_of(features.get_record(**key("c")))["orders"] == "3"


def test_a_record_with_a_time_to_live_expires(features: Any) -> None:
    ttl = {"Unit": "Days", "Value": 1}
    features.put_record(**record("old", "2020-01-01T00:00:00Z", "1"), TtlDuration=ttl)
    features.put_record(**record("young", "2999-01-01T00:00:00Z", "1"), TtlDuration=ttl)
    assert "Record" not in features.get_record(**key("old"))
    assert features.get_record(**key("young", ExpirationTimeResponse="Enabled"))["ExpiresAt"] == "2999-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (record("d", "2026-01-01T00:00:00Z", "many"), "not Integral"),
        (record("d", "yesterday", "1"), "neither seconds"),
        (record("d", "2026-01-01T00:00:00Z", "1", colour=["red"]), "colour is not a feature"),
        ({**record("d", "0", "1"), "TargetStores": ["OfflineStore"]}, "no offline store"),
    ],
)
def test_a_record_that_does_not_match_its_group_is_refused(features: Any, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ClientError, match=told) as caught:
        features.put_record(**wrong)
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_group_with_an_offline_store_is_refused_and_one_without_is_listed(box: LocalAws, features: Any) -> None:
    client = box.client("sagemaker")
    offline = {"S3StorageConfig": {"S3Uri": "s3://b/o"}}
    with pytest.raises(ClientError, match=r"no offline store.*s3_uri=False"):
        client.create_feature_group(**{**GROUP, "FeatureGroupName": "other"}, OfflineStoreConfig=offline)
    with pytest.raises(ClientError, match="already exists"):
        client.create_feature_group(**GROUP)
    assert [row["FeatureGroupName"] for row in client.list_feature_groups()["FeatureGroupSummaries"]] == ["customers"]
    assert client.describe_feature_group(FeatureGroupName="customers")["FeatureGroupStatus"] == "Created"


def training(box: LocalAws, name: str, **algorithm: Any) -> dict[str, Any]:
    """Run a training job to its end; returns its description."""
    client = box.client("sagemaker")
    client.create_training_job(
        TrainingJobName=name,
        RoleArn=box.role_arn,
        AlgorithmSpecification={"TrainingImage": "sagemaker-distribution-prod:1-cpu", "TrainingInputMode": "File"}
        | algorithm,
        Environment={"SM_INPUT_NOTEBOOK_NAME": "report.ipynb"},
        OutputDataConfig={"S3OutputPath": f"s3://{box.bucket}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )

    def ended() -> dict[str, Any]:
        answer = client.describe_training_job(TrainingJobName=name)
        return dict(answer) if answer["TrainingJobStatus"] in ("Completed", "Failed") else {}

    return until(ended, "the job does not end")


def test_a_notebook_job_names_its_missing_packages(box: LocalAws) -> None:
    done = training(box, "notebook", ContainerEntrypoint=["amazon_sagemaker_scheduler"])
    assert done["TrainingJobStatus"] == "Failed"
    assert "a notebook job needs nbclient and ipykernel here" in done["FailureReason"]
    assert "--stubs" in done["FailureReason"]


def package(text: str, name: str = "main.py") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    return content.getvalue()


def function(box: LocalAws, name: str, text: str, runtime: str = "python3.11") -> Any:
    client = box.client("lambda")
    code = {"ZipFile": package(text)}
    client.create_function(FunctionName=name, Runtime=runtime, Role=box.role_arn, Handler="main.run", Code=code)
    return client


def test_the_requested_version_of_a_function_runs(box: LocalAws) -> None:
    client = function(box, "versions", "def run(event, context): return ['old', context.function_version]")
    assert client.publish_version(FunctionName="versions")["Version"] == "1"
    code = package("def run(event, context): return ['new', context.function_version]")
    client.update_function_code(FunctionName="versions", ZipFile=code)
    answers = [
        client.invoke(FunctionName=name, **more)
        for name, more in (("versions", {}), ("versions", {"Qualifier": "1"}), ("versions:1", {}))
    ]
    assert [json.load(answer["Payload"]) for answer in answers] == [["new", "$LATEST"], ["old", "1"], ["old", "1"]]
    assert [answer["ExecutedVersion"] for answer in answers] == ["$LATEST", "1", "1"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="versions", Qualifier="7")


@pytest.mark.parametrize("how", ["RequestResponse", "Event", "DryRun"])
def test_a_function_that_cannot_run_here_is_refused_by_every_kind_of_invocation(box: LocalAws, how: str) -> None:
    client = function(box, f"node-{how}", "exports.run = 1", "nodejs20.x")
    with pytest.raises(ClientError, match=r"runtime nodejs20\.x .* is not available"):
        client.invoke(FunctionName=f"node-{how}", InvocationType=how)


def test_metrics_of_a_job_are_in_cloudwatch_even_after_the_server_died(box: LocalAws) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=1)
    done = training(
        box,
        "measured",
        ContainerEntrypoint=["sh", "-c", "for n in 4 2; do echo loss=$n; done; echo loss=nan"],
        MetricDefinitions=[{"Name": "loss", "Regex": "loss=([a-z0-9.]+)"}],
    )
    assert done["FinalMetricDataList"][0]["MetricName"] == "loss"
    asked = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "loss",
        "Dimensions": [{"Name": "TrainingJobName", "Value": "measured"}],
        "StartTime": begun,
        "EndTime": datetime.now(UTC) + timedelta(minutes=2),
        "Period": 3600,
        "Statistics": ["Sum", "SampleCount"],
    }

    def totals(client: Any) -> tuple[float, float]:
        points = client.get_metric_statistics(**asked)["Datapoints"]
        return sum(point["Sum"] for point in points), sum(point["SampleCount"] for point in points)

    assert totals(box.client("cloudwatch")) == (6.0, 2.0)
    os.kill(box.pid, signal.SIGKILL)
    folder = Path(box.state_dir)
    until_dead(folder)
    back = local_aws.start(folder)
    assert totals(back.client("cloudwatch")) == (6.0, 2.0)
    found = back.client("sagemaker-featurestore-runtime").get_record(**key("b"))
    assert values_of(found)["orders"] == "1"
