"""EMR, EMR Serverless and Athena: work on data outside SageMaker.

Sources: docs/language/steps/emr.md; the API references of the three services.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..definition.model import Step
from ..definition.step_types import StepSyntax
from ..definition.values import as_text
from .arns import Place
from .iam import has, member
from .model import EVERYTHING, Answer, Grant, StepType
from .shapes import Part

if TYPE_CHECKING:
    from ..json_types import AwsShape

# A query reads tables with the caller's permissions; only the query knows which tables.
TABLE_READS = ("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket")
GLUE_READS = ("BatchGetPartition", "GetDatabase", "GetPartition", "GetPartitions", "GetTable")


_ROLE = "Role of the job."


def _emr_step(answer: AwsShape) -> dict[str, Any]:
    return {**answer.get("Step", answer), **({"ClusterId": answer["ClusterId"]} if "ClusterId" in answer else {})}


def _made_up_step(request: AwsShape, _name: str) -> dict[str, Any]:
    """``Config`` as DescribeStep answers it: the program of the request, with its rendered arguments."""
    program = (request.get("StepConfig") or {}).get("HadoopJarStep") or {}
    arguments = [as_text(argument) for argument in program.get("Args") or ()]
    return {"Config": {**{key: program[key] for key in ("Jar", "MainClass") if key in program}, "Args": arguments}}


def _on_a_cluster(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    own = step.arguments.get("ClusterConfig")
    given = step.arguments.get("ClusterId") if own is None else None
    cluster = place.arn("elasticmapreduce", f"cluster/{given if isinstance(given, str) and given else '*'}")
    operations = ["AddJobFlowSteps", "CancelSteps", "DescribeStep", "ListSteps"]
    if own is not None:
        yield "elasticmapreduce:ListClusters", "*"
        yield "elasticmapreduce:RunJobFlow", "*"
        operations += ["TerminateJobFlows", *(["AddTags"] if has(own, "Tags") else [])]
    yield from ((f"elasticmapreduce:{operation}", cluster) for operation in operations)


EMR = StepType(
    name="EMR",
    runner=".emr.EmrRunner",
    syntax=StepSyntax(waits=True, argument_rules=True),
    words={
        "ClusterId": "An existing cluster. Not together with ClusterConfig.",
        "ClusterConfig": "A new cluster, as for RunJobFlow. It is terminated afterwards.",
        "StepConfig": "The step, as for AddJobFlowSteps.",
        "ExecutionRoleArn": _ROLE,
    },
    about="a step on an EMR cluster: an existing cluster, or a new one that is terminated afterwards",
    service="emr",
    sent_once=True,  # after a lost call, its result is looked up by name before the call is repeated
    create="AddJobFlowSteps",
    describe="DescribeStep",
    stop="CancelSteps",
    status_key="Status.State",
    reason_key="Status.FailureDetails.Reason",
    succeeded=frozenset({"COMPLETED"}),
    failed=frozenset({"FAILED", "CANCELLED", "INTERRUPTED"}),
    tagged=False,
    parts=(
        Part("StepConfig", "emr", "AddJobFlowSteps", "Steps", frozenset({"Name"})),
        Part("ClusterConfig", "emr", "RunJobFlow", given=frozenset({"Name"})),
    ),
    cache_key=("ClusterId", "StepConfig", "ClusterConfig"),
    properties=_emr_step,
    stub=_made_up_step,
    wrapped="Step",
    added={"ClusterId": None},
    grants=_on_a_cluster,
    roles_go_to="elasticmapreduce.amazonaws.com",
    in_arns=("ClusterId",),
    local_aws="runs if the command's program (`spark-submit`, `python3`) is installed; otherwise stub",
)


def _job_run(answer: AwsShape) -> dict[str, Any]:
    return dict(answer.get("jobRun", answer))


def _in_an_application(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    arguments = step.arguments
    own = arguments.get("ApplicationConfig")
    given = arguments.get("ApplicationId")
    path = f"/applications/{given if isinstance(given, str) and given else '*'}"
    application, runs = (place.arn("emr-serverless", resource) for resource in (path, f"{path}/jobruns/*"))
    yield "emr-serverless:StartJobRun", application
    yield from ((f"emr-serverless:{operation}", runs) for operation in ("GetJobRun", "CancelJobRun"))
    if has(arguments.get("JobConfig"), "tags"):
        yield "emr-serverless:TagResource", runs
    if own is not None:
        yield "emr-serverless:CreateApplication", "*"
        operations = ["GetApplication", "StopApplication", "DeleteApplication"]
        operations += ["TagResource"] if has(own, "tags") else []
        yield from ((f"emr-serverless:{operation}", application) for operation in operations)


EMR_SERVERLESS = StepType(
    name="EMRServerless",
    runner=".emr_serverless.EmrServerlessRunner",
    syntax=StepSyntax(waits=True, argument_rules=True),
    words={
        "ApplicationId": "An existing application. Not together with ApplicationConfig.",
        "ApplicationConfig": "A new application, as for CreateApplication. It is deleted afterwards.",
        "JobConfig": "The job, as for StartJobRun.",
        "ExecutionRoleArn": _ROLE,
    },
    about="a job run of an EMR Serverless application: an existing one, or a new one that is deleted afterwards",
    service="emr-serverless",
    create="StartJobRun",
    describe="GetJobRun",
    stop="CancelJobRun",
    token_key="clientToken",
    arn_key="arn",
    status_key="state",
    reason_key="stateDetails",
    succeeded=frozenset({"SUCCESS"}),
    failed=frozenset({"FAILED", "CANCELLED"}),
    tagged=False,
    parts=(
        Part(
            "JobConfig",
            "emr-serverless",
            "StartJobRun",
            given=frozenset({"applicationId", "clientToken", "executionRoleArn"}),
        ),
        Part("ApplicationConfig", "emr-serverless", "CreateApplication", given=frozenset({"clientToken"})),
    ),
    cache_key=EVERYTHING,
    properties=_job_run,
    wrapped="jobRun",
    grants=_in_an_application,
    roles_go_to="emr-serverless.amazonaws.com",
    in_arns=("ApplicationId",),
)


def _query(answer: AwsShape) -> dict[str, Any]:
    query = dict(answer.get("QueryExecution", answer))
    location = (query.get("ResultConfiguration") or {}).get("OutputLocation")
    return {**query, **({"S3OutputLocation": location} if location else {})}


def _query_output(answer: Answer) -> str:
    return str(answer.get("S3OutputLocation") or "")


def _query_grants(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    group = step.arguments.get("WorkGroup") or "primary"
    arn = place.arn("athena", f"workgroup/{group if isinstance(group, str) else '*'}")
    for operation in ("StartQueryExecution", "GetQueryExecution", "StopQueryExecution"):
        yield f"athena:{operation}", arn
    yield from ((action, "*") for action in TABLE_READS)
    yield from ((f"glue:{operation}", "*") for operation in GLUE_READS)
    results = place.below(member(step.arguments.get("ResultConfiguration"), "OutputLocation"), "*")
    yield from ((action, results) for action in ("s3:AbortMultipartUpload", "s3:PutObject"))


ATHENA = StepType(
    name="Athena",
    runner=".started_execution.StartedExecutionRunner",
    syntax=StepSyntax(waits=True, left_in_s3=frozenset({"S3OutputLocation"})),
    about="an Athena query; arguments as for StartQueryExecution (believed, not documented)",
    service="athena",
    create="StartQueryExecution",
    describe="GetQueryExecution",
    stop="StopQueryExecution",
    describe_key="QueryExecutionId",
    token_key="ClientRequestToken",
    arn_key="QueryExecutionId",
    status_key="Status.State",
    reason_key="Status.StateChangeReason",
    succeeded=frozenset({"SUCCEEDED"}),
    failed=frozenset({"FAILED", "CANCELLED"}),
    tagged=False,
    properties=_query,
    wrapped="QueryExecution",
    added={"S3OutputLocation": None},
    s3_output=_query_output,
    grants=_query_grants,
    roles_go_to="",
    in_arns=("WorkGroup",),
    too_wide="any table and object may be read, because only the query knows which ones it needs.",
)

EMR_STEPS = (EMR, EMR_SERVERLESS)
QUERIES = (ATHENA,)
