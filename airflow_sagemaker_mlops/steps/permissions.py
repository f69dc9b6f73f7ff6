"""The least an identity needs to run a pipeline: IAM actions and resources, out of the step table and the document.

Resource names follow ``execution.identity``; what a document names only at run time is left open (``*``), and said so.
Sources: the Service Authorization Reference for the actions, language reference 11.3 for who calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..document.model import Pipeline, Step
from .catalogue import STEP_TYPES
from .model import StepType

# boto3's service -> the prefix of its IAM actions
ACTION_PREFIX = {"emr": "elasticmapreduce", "sagemaker": "sagemaker", "lambda": "lambda", "sqs": "sqs", "s3": "s3"}
RESOURCES = {
    "Processing": "processing-job/pipelines-*",
    "QualityCheck": "processing-job/pipelines-*",
    "ClarifyCheck": "processing-job/pipelines-*",
    "Training": "training-job/pipelines-*",
    "Transform": "transform-job/pipelines-*",
    "Tuning": "hyper-parameter-tuning-job/*",
    "AutoML": "automl-job/*",
    "Model": "model/pipelines-*",
    "RegisterModel": "model-package*/*",
    "EndpointConfig": "endpoint-config/*",
    "Endpoint": "endpoint*/*",
    "InferenceComponent": "inference-component/*",
    "Job": "job/*",
}
FURTHER = {
    "RegisterModel": ("DescribeModelPackageGroup", "CreateModelPackageGroup"),
    "QualityCheck": ("ListModelPackages", "DescribeModelPackage"),
    "ClarifyCheck": ("ListModelPackages", "DescribeModelPackage"),
    "Lineage": (
        "CreateAction",
        "CreateArtifact",
        "CreateContext",
        "DescribeAction",
        "DescribeContext",
        "ListArtifacts",
    ),
    "EMR": ("RunJobFlow", "ListSteps", "ListClusters", "TerminateJobFlows"),
    "EMRServerless": ("CreateApplication", "GetApplication", "StopApplication", "DeleteApplication"),
}
INVOKE = {"lambda": "InvokeFunction"}
ROLE_KEYS = frozenset({"RoleArn", "ExecutionRoleArn", "executionRoleArn", "JobFlowRole", "ServiceRole"})


def policy(pipeline: Pipeline, account: str = "*", region: str = "*", partition: str = "aws") -> dict[str, Any]:
    """An IAM policy document for whoever runs ``pipeline``: the Airflow connection's identity."""
    place = f"{partition}:{{service}}:{region}:{account}"
    statements: dict[tuple[str, str], set[str]] = {}
    for step in pipeline.steps:
        entry = STEP_TYPES.get(step.type)
        if entry is not None:
            for service, resource, action in _of_step(step, entry):
                arn = resource if resource == "*" or resource.startswith("arn:") else _arn(place, service, resource)
                statements.setdefault((service, arn), set()).add(action)
    rows = [
        {"Sid": f"Step{index}", "Effect": "Allow", "Action": sorted(actions), "Resource": arn}
        for index, ((_, arn), actions) in enumerate(sorted(statements.items()))
    ]
    return {"Version": "2012-10-17", "Statement": [*rows, *_shared(pipeline, place)]}


def _arn(place: str, service: str, resource: str) -> str:
    return f"arn:{place.format(service=service)}:{resource}"


def _of_step(step: Step, entry: StepType) -> Iterator[tuple[str, str, str]]:
    """(IAM service, resource, action)."""
    service = ACTION_PREFIX.get(entry.service, entry.service)
    resource = _resource(step, entry)
    for operation in (entry.create, entry.update, entry.describe, entry.stop, entry.extra, *FURTHER.get(step.type, ())):
        if operation and step.type != "Cleanup":
            yield service, resource, f"{service}:{INVOKE.get(service, operation)}"
    if entry.listing:  # lists cannot be limited to resources
        yield service, "*", f"{service}:{entry.listing}"
    if entry.tagged:
        yield service, resource, f"{service}:AddTags"
        yield service, resource, f"{service}:ListTags"
    if entry.log_group and not entry.update:
        group = f"log-group:{entry.log_group}:*"
        yield "logs", group, "logs:DescribeLogStreams"
        yield "logs", group, "logs:GetLogEvents"


def _resource(step: Step, entry: StepType) -> str:
    name = step.arguments.get(entry.name_key) if entry.name_key else None
    match step.type:
        case "Lambda":
            function = step.settings.get("FunctionArn")
            return function if isinstance(function, str) else "*"
        case "Callback":
            queue = step.settings.get("SqsQueueUrl")
            return queue.rsplit("/", 1)[-1] if isinstance(queue, str) else "*"
        case _ if isinstance(name, str) and step.type in RESOURCES:
            return f"{RESOURCES[step.type].partition('/')[0].rstrip('*')}/{name.lower()}*"
        case _:
            return RESOURCES.get(step.type, "*")


def _shared(pipeline: Pipeline, place: str) -> Iterator[dict[str, Any]]:
    roles = sorted({role for step in pipeline.steps for role in _roles(step.arguments)})
    if roles:
        services = {"iam:PassedToService": ["sagemaker.amazonaws.com", "elasticmapreduce.amazonaws.com"]}
        condition = {"StringEquals": services}
        yield {
            "Sid": "PassRoles",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": condition,
        }
    if pipeline.experiment is not None:
        resources = [_arn(place, "sagemaker", kind) for kind in ("experiment/*", "experiment-trial/*")]
        actions = ["sagemaker:CreateExperiment", "sagemaker:CreateTrial"]
        yield {"Sid": "Experiments", "Effect": "Allow", "Action": actions, "Resource": resources}
    reads = any(step.property_files or step.type in ("QualityCheck", "ClarifyCheck") for step in pipeline.steps)
    if reads or '"Std:JsonGet"' in str(pipeline.document).replace("'", '"'):
        yield {"Sid": "ReadReports", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    if any(step.type == "Cleanup" for step in pipeline.steps):
        yield {"Sid": "Cleanup", "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}


def _roles(value: Any) -> Iterator[str]:
    """Roles that are handed to jobs; one that is known only at run time is any role."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ROLE_KEYS:
                yield item if isinstance(item, str) and item.startswith("arn:") else "*"
            else:
                yield from _roles(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _roles(item)
