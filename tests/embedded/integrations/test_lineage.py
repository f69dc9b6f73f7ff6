"""SageMaker Lineage from a record: the requests, and a walk through the result with an unmodified client."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.session import Session
from botocore.validate import ParamValidator
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.integrations.sagemaker_lineage import graph_of
from airflow_sagemaker_mlops.integrations.write_sagemaker_lineage import write_lineage
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.validation import validate
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.capture.recorder import Recorder
from airflow_sagemaker_mlops.records.capture.run_recorder import parameters_of
from airflow_sagemaker_mlops.records.model.record import assemble
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Attempt, CacheOutcome, StepRecord
from airflow_sagemaker_mlops.records.seal.seal import seal
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.sealed import seal_document
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/t-1"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1"
ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/live"
URI = "s3://records/daily/records/r1.json"
ML = "/opt/ml/processing"
TRAIN = StepRecord(
    step="Train",
    type="Training",
    status="Succeeded",
    attempts=(Attempt("t-0", f"{JOB}-earlier", "Failed"), Attempt("t-1", JOB, "Completed")),
    inputs=(
        Artifact("s3://b/day.csv", name="train", etag='"e1"', version="v 1", sha256="0" * 64, objects=1, bytes=5),
        Artifact("s3://b/days/", name="more", sha256="1" * 64, objects=3),
    ),
    outputs=(Artifact("s3://b/m/model.tar.gz", name="model", role="model", etag="e2", objects=1),),
    metrics={"auc": 0.9},
)
REGISTER = StepRecord(
    step="Register",
    type="RegisterModel",
    status="Succeeded",
    model_packages=(
        {"arn": PACKAGE, "group": "g", "version": 1, "approval_status": "Approved", "data": "s3://b/m/model.tar.gz"},
    ),
)
DECIDE = StepRecord(
    step="Good",
    type="Condition",
    status="Succeeded",
    decision={
        "Outcome": True,
        "Terms": [{"Text": "auc 0.9 > 0.8", "Op": "GreaterThan", "Left": 0.9, "Right": 0.8, "Result": True}],
        "Sentence": "True: auc 0.9 > 0.8\nis true",
    },
)


def record(*step_records: StepRecord, run_id: str = "r1", **parameters: Any) -> dict[str, Any]:
    document = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": name, "Type": "String", "DefaultValue": "x"} for name in parameters],
        "Steps": [{"Name": f.step, "Type": "Model", "Arguments": {}} for f in step_records],
    }
    plan = make_plan(load_pipeline(document))
    run = RunInfo(dag_id="daily", run_id=run_id, pipeline="daily", status="Succeeded")
    given = parameters_of(plan, parameters, "conf")
    return seal_document(assemble(plan, run, parameters=given, step_records=step_records), [])


def edges(document: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.kind) for edge in graph_of(document, URI).edges}


def test_data_leads_through_the_job_to_the_model_and_its_package() -> None:
    model, package = "artifact:s3://b/m/model.tar.gz?etag=e2", f"artifact:{PACKAGE}"
    assert edges(record(TRAIN, REGISTER)) == {
        ("artifact:s3://b/day.csv?versionId=v%201", f"job:{JOB}", "ContributedTo"),
        (f"artifact:s3://b/days/?listing={'1' * 64}", f"job:{JOB}", "ContributedTo"),
        (f"job:{JOB}", model, "Produced"),
        (f"job:{JOB}", "context", "AssociatedWith"),
        (model, package, "ContributedTo"),
        (package, "context", "AssociatedWith"),
    }


def test_an_artifact_names_etag_version_and_listing_as_its_sources() -> None:
    artifact = graph_of(record(TRAIN), URI).artifacts["artifact:s3://b/day.csv?versionId=v%201"]
    assert artifact["Source"]["SourceTypes"] == [
        {"SourceIdType": "S3ETag", "Value": '"e1"'},
        {"SourceIdType": "S3Version", "Value": "v 1"},
        {"SourceIdType": "Custom", "Value": "0" * 64},
    ]
    assert (artifact["ArtifactType"], artifact["Properties"]["s3_uri"]) == ("DataSet", "s3://b/day.csv")


def test_an_endpoint_hangs_on_the_model_that_it_serves() -> None:
    model = StepRecord(
        "M",
        "Model",
        "Succeeded",
        attempts=(Attempt("model-1"),),
        request={"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m/model.tar.gz"}},
    )
    config = StepRecord(
        "C",
        "EndpointConfig",
        "Succeeded",
        attempts=(Attempt("config-1"),),
        request={"ProductionVariants": [{"ModelName": "model-1", "VariantName": "A"}]},
    )
    endpoint = StepRecord(
        "E",
        "Endpoint",
        "Succeeded",
        attempts=(Attempt("live", ENDPOINT),),
        request={"EndpointConfigName": "config-1"},
    )
    served = ("artifact:s3://b/m/model.tar.gz?etag=e2", f"artifact:{ENDPOINT}", "ContributedTo")
    assert served in edges(record(TRAIN, model, config, endpoint))
    earlier = CacheOutcome(result="hit", source_run="r0")
    taken = [
        replace(step, attempts=(), cache=earlier, result={"Name": step.attempts[0].name, "Arn": "arn:x"})
        for step in (model, config)
    ]
    assert served in edges(record(TRAIN, *taken, endpoint))


@pytest.mark.parametrize("result", ["hit", "reused"])
def test_a_result_of_another_run_leads_to_the_job_that_made_it_which_is_no_part_of_this_run(result: str) -> None:
    taken = replace(TRAIN, attempts=(), cache=CacheOutcome(result=result, source_run="r0", source_arn=JOB))
    model, package = "artifact:s3://b/m/model.tar.gz?etag=e2", f"artifact:{PACKAGE}"
    assert edges(record(taken, REGISTER)) == {
        (f"job:{JOB}", model, "Produced"),
        (model, package, "ContributedTo"),
        (package, "context", "AssociatedWith"),
    }


def test_names_are_the_same_every_time_and_another_outcome_is_another_action() -> None:
    first, again = (graph_of(record(TRAIN, REGISTER, DECIDE), URI) for _ in range(2))
    assert first.as_json() == again.as_json()
    other = replace(DECIDE, decision={**(DECIDE.decision or {}), "Outcome": False, "Sentence": "False: 0.7"})
    names = {graph_of(record(one), URI).actions["action:Good"]["ActionName"] for one in (DECIDE, other)}
    assert len(names) == 2


def hostile() -> Iterator[dict[str, Any]]:
    yield record(TRAIN, REGISTER, DECIDE, Day="d", NumRound="80")
    yield record(TRAIN, DECIDE, run_id="manual__2026-01-01T00:00:00+00:00 <b>\n" + "x" * 300)
    yield record(TRAIN, **{f"P{n}": "y" * 3000 for n in range(40)})
    odd = replace(TRAIN, inputs=(Artifact("s3://b/" + "ü/" * 900, problem="access denied\nat all"),))
    yield record(odd)


@pytest.mark.parametrize("number", range(4))
def test_every_request_is_one_that_the_service_model_takes(number: int) -> None:
    document = list(hostile())[number]
    model = Session().get_service_model("sagemaker")
    for call in graph_of(document, URI).as_json():
        if call["operation"] == "AddAssociation":
            continue
        shape = model.operation_model(call["operation"]).input_shape
        assert not ParamValidator().validate(call["request"], shape).has_errors(), call
        validate("sagemaker", call["operation"], call["request"])  # patterns and maxima, which botocore leaves to AWS


class Lab:
    """A pipeline that copies data, decides, and registers what it copied as a model; really run."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self.aws, self.local = local_aws_clients(aws), aws
        self.s3 = self.aws.client("s3")
        self.bucket = f"lineage-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="day/a.csv", Body=b"1")
        self.store = FolderStore(folder)

    def definition(self) -> dict[str, Any]:
        uri = f"s3://{self.bucket}"
        copy = f"import shutil; shutil.copy('{ML}/in/a.csv', '{ML}/out/model.tar.gz')"
        copying = {
            "RoleArn": self.local.role_arn,
            "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["python3", "-c", copy]},
            "ProcessingInputs": [
                {
                    "InputName": "day",
                    "S3Input": {
                        "S3Uri": f"{uri}/day",
                        "LocalPath": f"{ML}/in",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "model",
                        "S3Output": {"S3Uri": f"{uri}/model", "LocalPath": f"{ML}/out", "S3UploadMode": "EndOfJob"},
                    }
                ]
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
        }
        specification = {
            "Containers": [{"Image": "image", "ModelDataUrl": f"{uri}/model/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        register = {"ModelPackageGroupName": self.bucket, "InferenceSpecification": specification}
        condition = {"Type": "Equals", "LeftValue": {"Get": "Parameters.Level"}, "RightValue": "1"}
        branches = {
            "Conditions": [condition],
            "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": register}],
            "ElseSteps": [],
        }
        return {
            "Version": "2020-12-01",
            "Parameters": [{"Name": "Level", "Type": "String", "DefaultValue": "1"}],
            "Steps": [
                {"Name": "Copy", "Type": "Processing", "Arguments": copying},
                {"Name": "Good", "Type": "Condition", "Arguments": branches, "DependsOn": ["Copy"]},
            ],
        }

    def run(self) -> dict[str, Any]:
        plan = make_plan(load_pipeline(self.definition()))
        run_id = f"run__{uuid.uuid4().hex}"
        recorder = Recorder(self.store, "lab", run_id, self.s3)
        running = PipelineRun(
            plan=plan,
            pipeline="lab",
            run_id=run_id,
            aws=self.aws,
            parameters={},
            options=ExecutionOptions(poll_interval_s=0.2),
            notify=lambda _step, _line: None,
            recorder=recorder,
        )
        asyncio.run(running.run())
        assert running.status == "Succeeded", [step.error for step in running.steps.values()]
        identity = RunInfo(dag_id="lab", run_id=run_id, pipeline="lab", status="Succeeded")
        given = parameters_of(plan, {}, "conf")
        assembled = assemble(plan, identity, parameters=given, step_records=recorder.step_records)
        return dict(seal(self.store, assembled).record)


@pytest.mark.e2e
def test_a_client_walks_from_the_model_package_back_to_the_data(aws: LocalAws, tmp_path: Path) -> None:
    lab, told = Lab(aws, tmp_path), list[str]()
    document = lab.run()
    client = lab.aws.client("sagemaker")
    written = write_lineage(client, document, URI, lambda text, *values: told.append(text % values))
    assert written.problems == []

    (package,) = (model["arn"] for model in document["models"])
    (start,) = client.list_artifacts(SourceUri=package)["ArtifactSummaries"]
    up = client.query_lineage(StartArns=[start["ArtifactArn"]], Direction="Ascendants")
    kinds = {(vertex["LineageType"], vertex["Type"]) for vertex in up["Vertices"]}
    assert kinds == {("Artifact", "DataSet"), ("TrialComponent", "ProcessingJob")}
    uris = {
        client.describe_artifact(ArtifactArn=vertex["Arn"])["Source"]["SourceUri"].partition("?")[0]
        for vertex in up["Vertices"]
        if vertex["LineageType"] == "Artifact"
    }
    assert uris == {f"s3://{lab.bucket}/day", f"s3://{lab.bucket}/model"}

    def only(**filters: Any) -> set[str]:
        start_arns = [start["ArtifactArn"]]
        found = client.query_lineage(StartArns=start_arns, Direction="Ascendants", Filters=filters)["Vertices"]
        return {vertex["Type"] for vertex in found}

    assert only(LineageTypes=["TrialComponent"]) == only(Types=["ProcessingJob"]) == {"ProcessingJob"}
    assert only(Properties={"s3_uri": f"s3://{lab.bucket}/day"}) == {"DataSet"}
    near = client.query_lineage(
        StartArns=[start["ArtifactArn"]], Direction="Ascendants", MaxDepth=1, IncludeEdges=False
    )
    assert (len(near["Vertices"]), near["Edges"]) == (1, [])

    # and down from the package to the run that it belongs to, and what was decided in it
    down = client.query_lineage(StartArns=[start["ArtifactArn"]], Direction="Descendants")["Vertices"]
    (context,) = (vertex["Arn"] for vertex in down if vertex["LineageType"] == "Context")
    around = client.list_associations(DestinationArn=context)["AssociationSummaries"]
    assert {row["SourceType"] for row in around} == {"ProcessingJob", "Model", "Decision"}
    (action,) = (row["SourceName"] for row in around if row["SourceType"] == "Decision")
    assert client.describe_action(ActionName=action)["Description"] == 'True: Level "1" = "1" is true'


@pytest.mark.e2e
def test_trial_components_that_people_make_are_listed_beside_those_of_jobs(aws: LocalAws) -> None:
    client, name = local_aws_clients(aws).client("sagemaker"), f"own-{uuid.uuid4().hex}"
    client.create_trial_component(TrialComponentName=name)
    found = client.list_trial_components(MaxResults=100)["TrialComponentSummaries"]
    assert name in {summary["TrialComponentName"] for summary in found}


@pytest.mark.e2e
def test_a_record_that_is_written_again_makes_nothing_twice(aws: LocalAws, tmp_path: Path) -> None:
    lab = Lab(aws, tmp_path)
    document, client = lab.run(), lab.aws.client("sagemaker")
    first, again = (write_lineage(client, document, URI, lambda _text, *_values: None) for _ in range(2))
    assert (first.entities, first.associations) == (again.entities, again.associations)
    assert (first.found, again.found) == (0, again.entities + again.associations)
    cleared = {**document, "run": {**document["run"], "status": "Failed", "clear_number": 1}}
    write_lineage(client, cleared, URI, lambda _text, *_values: None)
    name = graph_of(document, URI).contexts["context"]["ContextName"]
    assert client.describe_context(ContextName=name)["Properties"]["status"] == "Failed"


@pytest.mark.e2e
def test_the_same_data_of_two_runs_is_one_artifact_and_changed_data_is_another(aws: LocalAws, tmp_path: Path) -> None:
    lab, client = Lab(aws, tmp_path), local_aws_clients(aws).client("sagemaker")

    def data_of(document: dict[str, Any]) -> str:
        write_lineage(client, document, URI, lambda _text, *_values: None)
        (key,) = (key for key in graph_of(document, URI).artifacts if f"{lab.bucket}/day" in key)
        (found,) = client.list_artifacts(SourceUri=key.removeprefix("artifact:"))["ArtifactSummaries"]
        return str(found["ArtifactArn"])

    first, second = data_of(lab.run()), data_of(lab.run())
    lab.s3.put_object(Bucket=lab.bucket, Key="day/a.csv", Body=b"2")
    assert first == second != data_of(lab.run())


@pytest.mark.e2e
def test_what_aws_refuses_is_reported_and_the_rest_is_written(aws: LocalAws) -> None:
    told: list[str] = []
    document = record(TRAIN, REGISTER, run_id=uuid.uuid4().hex)  # its job never was
    client = local_aws_clients(aws).client("sagemaker")
    written = write_lineage(client, document, URI, lambda text, *values: told.append(text % values))
    assert f"SageMaker Lineage: there is no trial component of {JOB}" in told
    (start,) = client.list_artifacts(SourceUri=PACKAGE)["ArtifactSummaries"]
    up = client.query_lineage(StartArns=[start["ArtifactArn"]], Direction="Ascendants")["Edges"]
    assert {edge["AssociationType"] for edge in up} == {"ContributedTo", "DerivedFrom"}
    assert written.entities == len(graph_of(document, URI).as_json()) - len(graph_of(document, URI).edges)


def test_where_nobody_answers_one_call_is_made_and_not_hundreds() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    session = boto3.Session("local", "local", region_name="us-east-1")
    client = session.client("sagemaker", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
    calls: list[str] = []
    client.meta.events.register("before-send.sagemaker", lambda **members: calls.append(members["event_name"]))
    with pytest.raises(EndpointConnectionError):
        write_lineage(client, record(TRAIN, REGISTER), URI, lambda _text, *_values: None)
    assert len(calls) == 1


@pytest.mark.e2e
def test_the_command_writes_a_recorded_run_and_says_what_was_there(aws: LocalAws, tmp_path: Path) -> None:
    lab = Lab(aws, tmp_path)
    document = lab.run()
    place = ["--location", str(tmp_path), "--state-dir", aws.state_dir]

    def command(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["records", "lineage", document["run"]["run_id"], *words, *place])
        return result.exit_code, result.output

    code, printed = command("--dry-run")
    assert code == 0
    operations = [json.loads(line)["operation"] for line in printed.splitlines()]
    assert set(operations) == {"CreateContext", "CreateAction", "CreateArtifact", "AddAssociation"}
    assert command() == (
        0,
        "SageMaker Lineage has 5 entities and 6 associations of this run, 0 of which already existed\n",
    )
    assert command() == (
        0,
        "SageMaker Lineage has 5 entities and 6 associations of this run, 11 of which already existed\n",
    )
    as_data = ["records", "lineage", "--format", "json", *place]
    written = json.loads(CliRunner().invoke(app, as_data).stdout)
    assert [written[key] for key in ("entities", "associations", "found", "problems")] == [5, 6, 11, []]
    calls = json.loads(CliRunner().invoke(app, [*as_data, "--dry-run"]).stdout)["calls"]
    assert [call["operation"] for call in calls] == operations
