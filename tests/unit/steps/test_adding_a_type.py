"""Adding two new step types as a contributor would, and using them from definition to result.

The first is a job of SageMaker's that the runner of jobs can run, so its entry is all it needs; the second has keys and
a runner of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_sagemaker_mlops import SageMakerPipelineDag, operators
from airflow_sagemaker_mlops.definition import examine
from airflow_sagemaker_mlops.definition.expressions import parse_value
from airflow_sagemaker_mlops.definition.model import Pipeline, Step
from airflow_sagemaker_mlops.definition.problems import Problem
from airflow_sagemaker_mlops.definition.step_types import STEP_SYNTAX, SUPPORTED, WAITING, StepSyntax
from airflow_sagemaker_mlops.execution import engine
from airflow_sagemaker_mlops.execution.aws.calls import call
from airflow_sagemaker_mlops.execution.exceptions import JobFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.request import fitted, resolved_arguments
from airflow_sagemaker_mlops.execution.runners.base import Runner
from airflow_sagemaker_mlops.execution.scope import Scope, resolve
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepResult, StepRun, now
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.cache.key import cache_key, is_cacheable
from airflow_sagemaker_mlops.steps import catalogue
from airflow_sagemaker_mlops.steps.arns import Place
from airflow_sagemaker_mlops.steps.editor_schema import document
from airflow_sagemaker_mlops.steps.iam import grants_by_name
from airflow_sagemaker_mlops.steps.language_tables import TYPES, sources
from airflow_sagemaker_mlops.steps.model import Grant, StepType
from airflow_sagemaker_mlops.steps.permissions import policy
from airflow_sagemaker_mlops.steps.requests import request_problems
from airflow_sagemaker_mlops.steps.table import markdown

ROLE = "arn:aws:iam::123456789012:role/Compile"
ARTIFACT = "s3://bucket/compiled/model.tar.gz"
COMPILATION = StepType(
    name="Compilation",
    runner=".job.JobRunner",
    syntax=StepSyntax(waits=True, left_in_s3=frozenset({"ModelArtifacts.S3ModelArtifacts"})),
    about="a model compiled for a device",
    create="CreateCompilationJob",
    describe="DescribeCompilationJob",
    stop="StopCompilationJob",
    name_key="CompilationJobName",
    arn_key="CompilationJobArn",
    status_key="CompilationJobStatus",
    succeeded=frozenset({"COMPLETED"}),
    failed=frozenset({"FAILED", "STOPPED"}),
    cache_key=("InputConfig", "OutputConfig"),
    kind="compilation-job",
    grants=grants_by_name,
)


def _publish(step: Step, _entry: StepType, _place: Place) -> Iterator[Grant]:
    yield "sns:Publish", str(step.settings.get("TopicArn") or "*")


ANNOUNCEMENT = StepType(
    name="Announcement",
    runner=f"{__name__}.AnnouncementRunner",
    syntax=StepSyntax(
        settings=frozenset({"TopicArn"}),
        needs="TopicArn",
        arguments=frozenset({"Message", "Subject"}),
        properties={"MessageId": "String"},
    ),
    words={
        "TopicArn": "ARN of the topic that gets the message.",
        "Message": "The message.",
        "Subject": "Subject of the message, for subscribers by e-mail.",
    },
    about="a message to a topic",
    service="sns",
    create="Publish",
    tagged=False,
    outside=True,
    own_arguments=True,
    settings=("TopicArn",),
    grants=_publish,
)


class AnnouncementRunner(Runner):
    """Publishes a message."""

    request_from = "settings"

    async def run(self, run: StepRun) -> StepResult:
        """Publish it."""
        topic = resolve(parse_value(run.spec.settings["TopicArn"], "TopicArn"), run.scope, "TopicArn")
        request = await fitted(run, {"TopicArn": topic, **await resolved_arguments(run)})
        answer = await call(run.aws, run.entry.service, run.entry.create, **request)
        return StepResult(run.identity.step, run.step_type, None, None, {"MessageId": answer["MessageId"]}, "", now())


@pytest.fixture(autouse=True)
def added() -> Iterator[None]:
    for entry in (COMPILATION, ANNOUNCEMENT):
        catalogue.register(entry)
    yield
    for entry in (COMPILATION, ANNOUNCEMENT):
        del catalogue.STEP_TYPES[entry.name], STEP_SYNTAX[entry.name]


COMPILE = {
    "RoleArn": ROLE,
    "InputConfig": {"S3Uri": "s3://bucket/model.tar.gz", "Framework": "XGBOOST"},
    "OutputConfig": {"S3OutputLocation": "s3://bucket/compiled", "TargetDevice": "ml_c5"},
    "StoppingCondition": {"MaxRuntimeInSeconds": "900"},
}
TOPIC = "arn:aws:sns:eu-west-1:123456789012:models"


def definition(path: str = "ModelArtifacts.S3ModelArtifacts", **changed: Any) -> dict[str, Any]:
    message = {"Get": f"Steps.Compile.{path}"}
    return {
        "Version": "2020-12-01",
        "Steps": [
            {"Name": "Compile", "Type": "Compilation", "Arguments": {**COMPILE, **changed}},
            {"Name": "Tell", "Type": "Announcement", "TopicArn": TOPIC, "Arguments": {"Message": message}},
            {"Name": "Tidy", "Type": "Cleanup", "Arguments": {"Resources": {"S3": [{"StepName": "Compile"}]}}},
        ],
    }


def checked(document: dict[str, Any]) -> tuple[Pipeline, list[Problem]]:
    pipeline, problems = examine(document, name="pipeline.json")
    return pipeline, [*problems, *request_problems(pipeline)]


def test_the_language_knows_an_added_type() -> None:
    assert {"Compilation", "Announcement"} <= set(SUPPORTED)
    assert "Compilation" in WAITING
    assert "Announcement" not in WAITING
    assert checked(definition())[1] == []


@pytest.mark.parametrize(
    ("document", "code", "where"),
    [
        (definition(RoleArn=None), "SM152", "$.Steps[0].Arguments"),
        (definition(StoppingCondition={"MaxRuntimeInSeconds": "soon"}), "SM151", "MaxRuntimeInSeconds"),
        (definition(InputConfig={"S3Url": "s3://bucket/m", "Framework": "XGBOOST"}), "SM152", "InputConfig.S3Url"),
        (definition("ModelArtifacts.S3ModelArtefacts"), "SM211", "$.Steps[1].Arguments.Message"),
    ],
)
def test_its_requests_and_properties_are_checked(document: dict[str, Any], code: str, where: str) -> None:
    found = [problem for problem in checked(document)[1] if problem.code == code and problem.where.endswith(where)]
    assert len(found) == 1


def test_a_fixed_property_document_is_checked_too() -> None:
    document = definition()
    document["Steps"][2] = {
        "Name": "L",
        "Type": "Lambda",
        "FunctionArn": "f",
        "Arguments": {"a": {"Get": "Steps.Tell.Id"}},
    }
    what = ['"Steps.Tell.Id": a Announcement step has only these properties: MessageId.']
    assert [problem.what for problem in checked(document)[1]] == what


def test_it_is_planned_with_its_edges_and_what_is_read_of_it() -> None:
    tasks = {task.task_id: task for task in make_plan(checked(definition())[0]).tasks}
    assert tasks["Compile"].step_type == "Compilation"
    assert tasks["Compile"].spec.outputs == ("ModelArtifacts.S3ModelArtifacts",)
    assert [edge.task_id for edge in tasks["Tell"].upstream] == ["Compile"]


def test_its_permissions_are_in_the_policy() -> None:
    made = policy(checked(definition())[0], "123456789012", "eu-west-1")
    allowed = {row["Resource"]: row["Action"] for row in made["Statement"] if isinstance(row["Resource"], str)}
    assert allowed["arn:aws:sagemaker:eu-west-1:123456789012:compilation-job/pipelines-*"] == [
        "sagemaker:AddTags",
        "sagemaker:CreateCompilationJob",
        "sagemaker:DescribeCompilationJob",
        "sagemaker:ListTags",
        "sagemaker:StopCompilationJob",
    ]
    assert allowed[TOPIC] == ["sns:Publish"]
    assert [row["Resource"] for row in made["Statement"] if row["Action"] == "iam:PassRole"] == [[ROLE]]


def test_it_is_cached_by_the_attributes_that_it_names() -> None:
    assert is_cacheable("Compilation")
    assert not is_cacheable("Announcement")
    assert cache_key("Compilation", COMPILE) == cache_key("Compilation", {**COMPILE, "RoleArn": "another"})
    assert cache_key("Compilation", COMPILE) != cache_key("Compilation", {**COMPILE, "InputConfig": {}})


def test_its_operator_runs_it_in_a_dag() -> None:
    dag = SageMakerPipelineDag("compiled", definition())
    assert type(dag.get_task("Compile")) is operators.CompilationStepOperator
    assert type(dag.get_task("Tell")) is operators.AnnouncementStepOperator
    assert operators.AnnouncementStepOperator.step_type == "Announcement"
    assert dag.get_task("Tell").upstream_task_ids == {"Compile"}


def test_editors_know_it_and_its_keys() -> None:
    schema = document.schema()["$defs"]
    assert {"Compilation", "Announcement"} <= set(schema["step"]["properties"]["Type"]["enum"])
    members = schema["Announcement"]["properties"]
    assert members["TopicArn"]["description"] == ANNOUNCEMENT.words["TopicArn"]
    assert list(members["Arguments"]["properties"]) == ["Message", "Subject"]
    assert schema["Announcement"]["required"] == ["Arguments", "TopicArn"]
    assert "AWS requires RoleArn, OutputConfig" in schema["Compilation"]["properties"]["Arguments"]["description"]


def test_the_table_that_a_parse_reads_gets_its_row() -> None:
    rows = """
    "Announcement": StepSyntax(
        settings=frozenset({"TopicArn"}),
        needs="TopicArn",
        arguments=frozenset({"Message", "Subject"}),
        properties={"MessageId": "String"},
    ),
"""
    assert rows in sources()[TYPES]


def test_it_has_its_row_in_the_docs() -> None:
    calls = "`CreateCompilationJob`, `DescribeCompilationJob`, `StopCompilationJob`"
    properties = "the response of `DescribeCompilationJob`"
    row = f"| `Compilation` | a model compiled for a device | yes | stub | {properties} | {calls} |"
    assert row in markdown().splitlines()


@dataclass
class Neo:
    """SageMaker's compilation jobs and a topic, in memory.

    ends   the status in which a job is found
    """

    ends: str = "COMPLETED"
    region: str = "eu-west-1"
    key: str = "neo"
    is_local: bool = True
    renew: None = None
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def client(self, _service: str) -> Neo:
        return self

    def create_compilation_job(self, **request: Any) -> dict[str, Any]:
        arn = f"arn:aws:sagemaker:eu-west-1:123456789012:compilation-job/{request['CompilationJobName']}"
        self.jobs[request["CompilationJobName"]] = {**request, "CompilationJobArn": arn}
        return {"CompilationJobArn": arn}

    def describe_compilation_job(self, CompilationJobName: str) -> dict[str, Any]:
        if CompilationJobName not in self.jobs:
            answer: Any = {"Error": {"Code": "ResourceNotFound", "Message": "there is no such job"}}
            raise ClientError(answer, "DescribeCompilationJob")
        ended = {"CompilationJobStatus": self.ends, "FailureReason": "ClientError: no such device"}
        return {**self.jobs[CompilationJobName], **ended, "ModelArtifacts": {"S3ModelArtifacts": ARTIFACT}}

    def publish(self, TopicArn: str, Message: str) -> dict[str, Any]:
        self.messages.append(f"{TopicArn} {Message}")
        return {"MessageId": "m-1"}

    def delete_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        self.deleted.append(f"s3://{Bucket}/{Key}")
        return {}


def run_of(neo: Neo, name: str, results: dict[str, Any]) -> StepRun:
    task = next(task for task in make_plan(checked(definition())[0]).tasks if task.task_id == name)
    identity = StepIdentity("p", name, "d", "r", name)
    scope = Scope(name, {}, {}, results, {}, lambda _uri: b"")
    aws: Any = neo
    return StepRun(task.spec, task.step_type, identity, scope, aws, print, options=ExecutionOptions(logs="off"))


def test_it_runs_as_any_other() -> None:
    neo = Neo()
    results: dict[str, Any] = {}
    for name in ("Compile", "Tell", "Tidy"):
        results[name] = asyncio.run(engine.run_step(run_of(neo, name, results))).as_json()
    [(job, request)] = neo.jobs.items()
    assert results["Compile"]["Name"] == job
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 900}
    assert {"Key": "airflow:step", "Value": run_of(neo, "Compile", {}).identity.step_digest} in request["Tags"]
    assert neo.messages == [f"{TOPIC} {ARTIFACT}"]
    assert results["Tell"]["Properties"] == {"MessageId": "m-1"}
    assert neo.deleted == [ARTIFACT]


def test_a_job_of_it_that_fails_fails_the_step_with_the_services_reason() -> None:
    with pytest.raises(JobFailed, match="no such device"):
        asyncio.run(engine.run_step(run_of(Neo(ends="FAILED"), "Compile", {})))


def test_a_stub_stands_for_it() -> None:
    neo = Neo()
    run = replace(run_of(neo, "Compile", {}), options=ExecutionOptions(stubs={"*": {}}))
    assert asyncio.run(engine.run_step(run)).facts["Stub"]
    assert neo.jobs == {}


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match='step type "Compilation" is already registered'):
        catalogue.register(COMPILATION)
