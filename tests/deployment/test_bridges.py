"""One pipeline on a real Airflow, seen from outside: DAGs scheduled on its assets, OpenLineage, SageMaker Lineage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from airflow_deployment import Deployment, deployed
from waiting import until

from airflow_sagemaker_mlops import local_aws, model_asset
from airflow_sagemaker_mlops.airflow_versions import STARTS_IN_TRIGGERER

pytestmark = pytest.mark.deployment
HAS_OPENLINEAGE = find_spec("airflow.providers.openlineage") is not None
DAG_FILE = """
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Asset

from airflow_sagemaker_mlops import SageMakerPipelineDag, model_asset

SageMakerPipelineDag(
    "maker", definition="maker.json", poll_interval_s=1, records="{records}", outlets=["s3://{bucket}/features"]
)


def read(asset, triggering_asset_events):
    return [dict(event.extra) for event in triggering_asset_events[asset]]


for name, asset in (("deploys", model_asset("bridged")), ("reads", Asset("s3://{bucket}/features"))):
    with DAG(name, schedule=[asset]):
        PythonOperator(task_id="read", python_callable=read, op_args=[asset])
"""
ML = "/opt/ml/processing"


def documents(aws: local_aws.LocalAws) -> dict[str, Any]:
    uri = f"s3://{aws.bucket}"
    copy = f"import shutil; shutil.copy('{ML}/in/a.csv', '{ML}/out/model.tar.gz')"
    made = {"Std:Join": {"On": "/", "Values": [uri, "features", {"Get": "Execution.PipelineExecutionId"}]}}
    day = {
        "InputName": "day",
        "S3Input": {
            "S3Uri": f"{uri}/bridged-day",
            "LocalPath": f"{ML}/in",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }
    model = {"OutputName": "m", "S3Output": {"S3Uri": made, "LocalPath": f"{ML}/out", "S3UploadMode": "EndOfJob"}}
    make = {
        "RoleArn": aws.role_arn,
        "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["python3", "-c", copy]},
        "ProcessingInputs": [day],
        "ProcessingOutputConfig": {"Outputs": [model]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }
    folder = {"Get": "Steps.Make.ProcessingOutputConfig.Outputs['m'].S3Output.S3Uri"}
    data = {"Std:Join": {"On": "/", "Values": [folder, "model.tar.gz"]}}
    register = {
        "ModelPackageGroupName": "bridged",
        "ModelApprovalStatus": {"Get": "Parameters.Approval"},
        "InferenceSpecification": {
            "Containers": [{"Image": "image", "ModelDataUrl": data}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    approval = {"Name": "Approval", "Type": "String", "DefaultValue": "PendingManualApproval"}
    steps = [
        {
            "Name": "Make",
            "Type": "Processing",
            "Arguments": make,
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"},
        },
        {"Name": "Register", "Type": "RegisterModel", "Arguments": register},
    ]
    return {"maker.json": {"Version": "2020-12-01", "Parameters": [approval], "Steps": steps}}


@pytest.fixture(scope="module")
def bridged(aws: local_aws.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    aws.client("s3").put_object(Bucket=aws.bucket, Key="bridged-day/a.csv", Body=b"1")
    home = tmp_path_factory.mktemp("bridged")
    more = {"AIRFLOW__SAGEMAKER_MLOPS__LINEAGE": "True"}
    if HAS_OPENLINEAGE:
        transport = {"type": "file", "log_file_path": str(home / "openlineage.json"), "append": True}
        more |= {"AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport), "AIRFLOW__OPENLINEAGE__NAMESPACE": "here"}
    with deployed(home, aws, DAG_FILE, documents, more) as running:
        yield running


def runs_of(airflow: Deployment, dag_id: str) -> list[str]:
    return sorted(run["dag_run_id"] for run in airflow.call(f"/dags/{dag_id}/dagRuns")["dag_runs"])


def started_by_an_event(airflow: Deployment, dag_id: str, number: int = 1) -> list[dict[str, Any]]:
    """What the last run of a consumer has read, which is to be its ``number``-th."""
    until(lambda: len(runs_of(airflow, dag_id)) >= number, f"{dag_id} was not started", every_s=0.5)
    assert len(runs_of(airflow, dag_id)) == number
    run_id = runs_of(airflow, dag_id)[-1]
    state, states = airflow.wait(dag_id, run_id)
    assert state == "success", states
    nested = ("metrics", "models", "outputs")  # text on Airflow 3.0
    return [
        {name: json.loads(said) if name in nested and isinstance(said, str) else said for name, said in extra.items()}
        for extra in airflow.xcom(dag_id, run_id, "read")
    ]


def events_of(airflow: Deployment) -> list[tuple[str, str]]:
    """(asset, run) of every event that the pipeline has sent; Airflow 3.3.2 cannot say it while a run is queued."""
    found = airflow.call("/assets/events?source_dag_id=maker&limit=100")["asset_events"]
    return sorted((event["uri"], event["source_run_id"]) for event in found)


def test_others_are_notified_of_what_a_pipeline_makes_and_only_of_what_is_new(
    bridged: Deployment, aws: local_aws.LocalAws
) -> None:
    approved, registered = model_asset("bridged").uri, model_asset("bridged", "registered").uri
    features = f"s3://{aws.bucket}/features"
    pending = bridged.trigger("maker", {})
    state, states = bridged.wait("maker", pending)
    assert state == "success", states
    (extra,) = started_by_an_event(bridged, "reads")
    record = bridged.xcom("maker", pending, "pipeline.status")
    assert extra["record"] == record["Record"]
    assert extra["outputs"][0]["uri"].startswith(f"{features}/")
    assert extra["models"][0]["approval_status"] == "PendingManualApproval"
    assert events_of(bridged) == sorted([(registered, pending), (features, pending)])
    assert runs_of(bridged, "deploys") == []

    # The second run takes the result of the first, and registers an approved model.
    good = bridged.trigger("maker", {"Approval": "Approved"})
    state, states = bridged.wait("maker", good)
    assert state == "success", states
    assert bridged.xcom("maker", good, "Make")["Reused"] is True
    (extra,) = started_by_an_event(bridged, "deploys")
    assert extra["model_package_arn"] == bridged.xcom("maker", good, "Register")["Arn"]
    assert extra["approval_status"] == "Approved"
    assert extra["record"] == bridged.xcom("maker", good, "pipeline.status")["Record"]
    sent = sorted([(registered, pending), (features, pending), (registered, good), (approved, good)])
    assert events_of(bridged) == sent

    # Concluding the first run once more tells nothing again, but that its model was approved in the meantime.
    package = bridged.xcom("maker", pending, "Register")["Arn"]
    aws.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    asked = {"dag_run_id": pending, "task_ids": ["pipeline.status"], "dry_run": False, "only_failed": False}
    bridged.call("/dags/maker/clearTaskInstances", asked)
    state, _ = bridged.wait("maker", pending)
    assert state == "success"
    assert bridged.xcom("maker", pending, "pipeline.status")["Record"] != record["Record"]
    (extra,) = started_by_an_event(bridged, "deploys", 2)
    assert extra["model_package_arn"] == package
    assert events_of(bridged) == sorted([*sent, (approved, pending)])
    assert "worker" not in bridged.logs("maker", pending, "Make") or not STARTS_IN_TRIGGERER


def test_a_client_finds_the_run_in_sagemaker_lineage(bridged: Deployment, aws: local_aws.LocalAws) -> None:
    pending, good = runs_of(bridged, "maker")
    client = aws.client("sagemaker")
    package = bridged.xcom("maker", good, "Register")["Arn"]  # of a model that the first run had made
    (start,) = client.list_artifacts(SourceUri=package)["ArtifactSummaries"]
    found = client.query_lineage(StartArns=[start["ArtifactArn"]], Direction="Ascendants")["Vertices"]
    uris = [
        client.describe_artifact(ArtifactArn=vertex["Arn"])["Source"]["SourceUri"]
        for vertex in found
        if vertex["LineageType"] == "Artifact"
    ]
    assert any(uri.startswith(f"s3://{aws.bucket}/bridged-day?") for uri in uris)
    log = "".join(bridged.logs("maker", pending, "pipeline.status").values())
    assert "SageMaker Lineage has 4 entities and 5 associations of this run, 9 of which already existed" in log


@pytest.mark.skipif(not HAS_OPENLINEAGE, reason="the OpenLineage provider is optional")
def test_openlineage_is_notified_of_every_step_wherever_it_ended(bridged: Deployment) -> None:
    events = [json.loads(line) for line in (bridged.home / "openlineage.json").read_text().splitlines()]
    ended = {(event["job"]["name"], event["eventType"]): event for event in reversed(events)}
    for name in ("maker.Make", "maker.Register", "maker.pipeline.status"):
        assert {(name, "START"), (name, "COMPLETE")} <= ended.keys()
    make = ended["maker.Make", "COMPLETE"]
    assert make["job"]["namespace"] == "here"
    assert [one["name"] for one in make["inputs"]] == ["bridged-day"]
    assert make["inputs"][0]["facets"]["version"]["datasetVersion"]
    assert make["run"]["facets"]["sagemakerMlopsStep"]["jobs"][0]["status"] == "Completed"
    parents = {ended[f"maker.{step}", "COMPLETE"]["run"]["facets"]["parent"]["run"]["runId"] for step in ("Make",)}
    whole = {event["run"]["runId"] for event in events if event["job"]["name"] == "maker"}
    assert parents <= whole
    register = ended["maker.Register", "COMPLETE"]["run"]["facets"]["sagemakerMlopsStep"]
    assert register["models"][0]["group"] == "bridged"
    run = ended["maker.pipeline.status", "COMPLETE"]["run"]["facets"]["sagemakerMlopsRun"]
    assert run["parameters"] == {"Approval": "PendingManualApproval"}
