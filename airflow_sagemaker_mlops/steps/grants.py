"""What one step asks AWS for: :func:`grants` gives IAM actions, each with the resource it is on.

It follows ``execution.runners``, way by way: who calls what when.
Source of actions and of their resource types: the Service Authorization Reference; where an operation has no resource
type, or lists, the resource is ``*``.  A Create call with tags takes a second action (AddTags, TagResource).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..definition.model import Step
from .arns import Place, named, packages, spelled
from .catalogue import STEP_TYPES
from .model import StepType

Grant = tuple[str, str]  # "sagemaker:CreateModel", ARN or "*"
KINDS = {
    "Processing": "processing-job",
    "QualityCheck": "processing-job",
    "ClarifyCheck": "processing-job",
    "Training": "training-job",
    "Transform": "transform-job",
    "Tuning": "hyper-parameter-tuning-job",
    "AutoML": "automl-job",
    "Model": "model",
    "EndpointConfig": "endpoint-config",
    "Endpoint": "endpoint",
    "InferenceComponent": "inference-component",
    "Job": "job/*",  # the category, and then the name
}
VERBATIM = frozenset({"EndpointConfig", "Endpoint", "InferenceComponent"})
# {member of a Lineage step's arguments: (actions, kind of the resource)}
ENTITIES = {
    "Actions": (("CreateAction", "DescribeAction"), "action"),
    "Artifacts": (("CreateArtifact",), "artifact"),
    "Contexts": (("CreateContext", "DescribeContext"), "context"),
}
# {operation of Bedrock: kind of the resource}; the others have none, or may be on models of any kind
BEDROCK = {
    "GetCustomModel": "custom-model",
    "CreateCustomModelDeployment": "custom-model",
    "GetCustomModelDeployment": "custom-model-deployment",
    "GetModelImportJob": "model-import-job",
    "GetProvisionedModelThroughput": "provisioned-model",
}
BEDROCK_TAGS = frozenset({"Tags", "ModelTags", "JobTags", "ImportedModelTags"})
# A query reads its tables as whoever sends it; which ones, only the query knows.
ATHENA_READS = ("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket")
GLUE_READS = ("BatchGetPartition", "GetDatabase", "GetPartition", "GetPartitions", "GetTable")


def grants(step: Step, place: Place) -> Iterator[Grant]:
    """Everything that running ``step`` takes, but for roles that it passes on and for reports that it reads."""
    entry = STEP_TYPES.get(step.type)
    if entry is None:  # an operator of another package
        return
    match entry.how:
        case "job" | "check" | "resource":
            yield from _made_by_name(step, entry, place)
        case "endpoint":
            yield from _hosted(step, entry, place)
        case "package":
            yield from _registered(step, place)
        case "function" | "callback":
            yield from _called(step, place)
        case "lineage":
            yield from _linked(step, place)
        case "emr":
            yield from _on_a_cluster(step, place)
        case "serverless":
            yield from _serverless(step, place)
        case "started":
            yield from _queried(step, place) if step.type == "Athena" else _bedrock(step, entry, place)
        case "cleanup":
            yield "s3:DeleteObject", "*"


def _sagemaker(place: Place, operations: Iterable[str], resources: Iterable[str]) -> Iterator[Grant]:
    arns = [place.arn("sagemaker", resource) for resource in resources]
    for operation in operations:
        yield from ((f"sagemaker:{operation}", arn) for arn in arns if operation)


def _names(step: Step, entry: StepType) -> list[str]:
    given = step.arguments.get(entry.name_key)
    return list(named(KINDS[step.type], given, entry.name_limit, verbatim=step.type in VERBATIM))


def _made_by_name(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    # Whose a resource is that exists already, its tags tell.
    operations = (entry.create, entry.describe, entry.stop, entry.extra, "AddTags", "ListTags")
    yield from _sagemaker(place, operations, _names(step, entry))
    if entry.listing:
        yield f"sagemaker:{entry.listing}", "*"
    if entry.log_group:
        group = place.arn("logs", f"log-group:{entry.log_group}:*")
        yield from ((f"logs:{operation}", group) for operation in ("DescribeLogStreams", "GetLogEvents"))
    if entry.how == "check":
        yield from _baseline(step, place)


def _baseline(step: Step, place: Place) -> Iterator[Grant]:
    group = step.settings.get("ModelPackageGroupName")
    if group is not None:
        yield "sagemaker:ListModelPackages", "*"
        yield from (("sagemaker:DescribeModelPackage", arn) for arn in packages(place, group)[1])
    if step.settings.get("ModelName") is not None:  # a copy of Clarify's configuration, with the model's name in it
        for item in _objects(step.arguments.get("ProcessingInputs")):
            if item.get("InputName") == "analysis_config":
                uri = _member(item.get("S3Input"), "S3Uri")
                folder = uri.rpartition("/")[0] if isinstance(uri, str) else None
                yield "s3:PutObject", place.below(folder, "*/analysis_config.json")


def _hosted(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    names = _names(step, entry)
    yield from _sagemaker(place, (entry.create, entry.update, entry.describe, "AddTags"), names)
    # Making an endpoint is asked about its configuration as well, making a component about its endpoint.
    kind, key = ("endpoint-config", "EndpointConfigName") if step.type == "Endpoint" else ("endpoint", "EndpointName")
    given = step.arguments.get(key)
    operations = (entry.create, entry.update) if step.type == "Endpoint" else (entry.create,)
    yield from _sagemaker(place, operations, spelled(kind, given if isinstance(given, str) and given else "*"))
    if entry.listing:
        yield f"sagemaker:{entry.listing}", "*"


def _registered(step: Step, place: Place) -> Iterator[Grant]:
    group = step.arguments.get("ModelPackageGroupName")
    groups, versions = packages(place, group)
    yield from (("sagemaker:DescribeModelPackage", arn) for arn in versions)
    yield from (("sagemaker:CreateModelPackage", arn) for arn in [*versions, *(groups if group else [])])
    if group and not (isinstance(group, str) and group.startswith("arn:")):  # made when it is missing
        operations = ["DescribeModelPackageGroup", "CreateModelPackageGroup"]
        operations += ["AddTags"] if step.arguments.get("Tags") else []
        yield from ((f"sagemaker:{operation}", arn) for operation in operations for arn in groups)


def _called(step: Step, place: Place) -> Iterator[Grant]:
    function = step.type == "Lambda"
    arn = (
        place.function(step.settings.get("FunctionArn")) if function else place.queue(step.settings.get("SqsQueueUrl"))
    )
    if arn:
        yield "lambda:InvokeFunction" if function else "sqs:SendMessage", arn


def _linked(step: Step, place: Place) -> Iterator[Grant]:
    for member, (operations, kind) in ENTITIES.items():
        entities = _objects(step.arguments.get(member))
        if entities:
            tagged = any(entity.get("Tags") for entity in entities)
            yield from _sagemaker(place, [*operations, *(["AddTags"] if tagged else [])], [f"{kind}/*"])
    if step.arguments.get("Artifacts"):
        yield "sagemaker:ListArtifacts", "*"
    if step.arguments.get("Associations"):  # between entities of any kind
        yield "sagemaker:AddAssociation", "*"


def _on_a_cluster(step: Step, place: Place) -> Iterator[Grant]:
    own = step.arguments.get("ClusterConfig")
    given = step.arguments.get("ClusterId") if own is None else None
    cluster = place.arn("elasticmapreduce", f"cluster/{given if isinstance(given, str) and given else '*'}")
    operations = ["AddJobFlowSteps", "CancelSteps", "DescribeStep", "ListSteps"]
    if own is not None:
        yield "elasticmapreduce:ListClusters", "*"
        yield "elasticmapreduce:RunJobFlow", "*"
        operations += ["TerminateJobFlows", *(["AddTags"] if _has(own, "Tags") else [])]
    yield from ((f"elasticmapreduce:{operation}", cluster) for operation in operations)


def _serverless(step: Step, place: Place) -> Iterator[Grant]:
    arguments = step.arguments
    own = arguments.get("ApplicationConfig")
    given = arguments.get("ApplicationId")
    path = f"/applications/{given if isinstance(given, str) and given else '*'}"
    application, runs = (place.arn("emr-serverless", resource) for resource in (path, f"{path}/jobruns/*"))
    yield "emr-serverless:StartJobRun", application
    yield from ((f"emr-serverless:{operation}", runs) for operation in ("GetJobRun", "CancelJobRun"))
    if _has(arguments.get("JobConfig"), "tags"):
        yield "emr-serverless:TagResource", runs
    if own is not None:
        yield "emr-serverless:CreateApplication", "*"
        operations = ["GetApplication", "StopApplication", "DeleteApplication"]
        operations += ["TagResource"] if _has(own, "tags") else []
        yield from ((f"emr-serverless:{operation}", application) for operation in operations)


def _queried(step: Step, place: Place) -> Iterator[Grant]:
    group = step.arguments.get("WorkGroup") or "primary"
    arn = place.arn("athena", f"workgroup/{group if isinstance(group, str) else '*'}")
    for operation in ("StartQueryExecution", "GetQueryExecution", "StopQueryExecution"):
        yield f"athena:{operation}", arn
    yield from ((action, "*") for action in ATHENA_READS)
    yield from ((f"glue:{operation}", "*") for operation in GLUE_READS)
    results = place.below(_member(step.arguments.get("ResultConfiguration"), "OutputLocation"), "*")
    yield from ((action, results) for action in ("s3:AbortMultipartUpload", "s3:PutObject"))


def _bedrock(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    for operation in (entry.create, entry.describe):
        kind = BEDROCK.get(operation)
        yield f"bedrock:{operation}", place.arn("bedrock", f"{kind}/*") if kind else "*"
    if any(_has(step.arguments, key) for key in BEDROCK_TAGS):
        yield "bedrock:TagResource", place.arn("bedrock", "*")


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; arguments are as the document has them, and may be of any form."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _has(value: Any, key: str) -> bool:
    """Whether the member is there, in AWS's spelling or in that of an API with small first letters."""
    return any(_member(value, first + key[1:]) for first in (key[0].upper(), key[0].lower()))
