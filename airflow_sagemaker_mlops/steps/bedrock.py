"""The four Bedrock step types: requests in PascalCase, an API in camelCase, a client token each.

Sources: docs/language/steps/bedrock.md; the Bedrock API reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..definition.model import Step
from ..definition.step_types import StepSyntax
from .arns import Place
from .iam import has
from .model import Grant, StepType

# {operation: kind of the resource}; the others have no resource type, or accept models of any kind
RESOURCES = {
    "GetCustomModel": "custom-model",
    "CreateCustomModelDeployment": "custom-model",
    "GetCustomModelDeployment": "custom-model-deployment",
    "GetModelImportJob": "model-import-job",
    "GetProvisionedModelThroughput": "provisioned-model",
}
TAGS = frozenset({"Tags", "ModelTags", "JobTags", "ImportedModelTags"})


def _grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    for operation in (entry.create, entry.describe):
        kind = RESOURCES.get(operation)
        yield f"bedrock:{operation}", place.arn("bedrock", f"{kind}/*") if kind else "*"
    if any(has(step.arguments, key) for key in TAGS):
        yield "bedrock:TagResource", place.arn("bedrock", "*")


_ANY = StepType(
    name="",
    runner=".started_execution.StartedExecutionRunner",
    syntax=StepSyntax(waits=True),
    service="bedrock",
    token_key="clientRequestToken",
    status_key="Status",
    reason_key="FailureMessage",
    failed=frozenset({"Failed"}),
    tagged=False,
    camel=True,
    grants=_grants,
    roles_go_to="bedrock.amazonaws.com",
    too_wide="any Bedrock model may be used, because its ARN is known only after it was created.",
)
BEDROCK = (
    replace(
        _ANY,
        name="BedrockCustomModel",
        about="a Bedrock custom model",
        create="CreateCustomModel",
        describe="GetCustomModel",
        describe_key="modelIdentifier",
        arn_key="ModelArn",
        status_key="ModelStatus",
        succeeded=frozenset({"Active"}),
    ),
    replace(
        _ANY,
        name="BedrockCustomModelDeployment",
        outside=True,
        about="a deployment of a Bedrock custom model",
        create="CreateCustomModelDeployment",
        describe="GetCustomModelDeployment",
        describe_key="customModelDeploymentIdentifier",
        arn_key="CustomModelDeploymentArn",
        succeeded=frozenset({"Active"}),
    ),
    replace(
        _ANY,
        name="BedrockModelImport",
        about="a Bedrock model import job",
        create="CreateModelImportJob",
        describe="GetModelImportJob",
        describe_key="jobIdentifier",
        arn_key="JobArn",
        succeeded=frozenset({"Completed"}),
    ),
    replace(
        _ANY,
        name="BedrockProvisionedModelThroughput",
        outside=True,
        about="provisioned throughput for a Bedrock model",
        create="CreateProvisionedModelThroughput",
        describe="GetProvisionedModelThroughput",
        describe_key="provisionedModelId",
        arn_key="ProvisionedModelArn",
        succeeded=frozenset({"InService"}),
    ),
)
