"""The four Bedrock step types: requests in AWS's capitals, an API in small first letters, a client token each.

Sources: language reference section 5.19; the Bedrock API reference.
"""

from __future__ import annotations

from dataclasses import replace

from .model import StepType

_ANY = StepType(
    name="",
    how="started",
    waits=True,
    service="bedrock",
    token_key="clientRequestToken",
    status_key="Status",
    reason_key="FailureMessage",
    failed=frozenset({"Failed"}),
    tagged=False,
    camel=True,
)
BEDROCK = (
    replace(
        _ANY,
        name="BedrockCustomModel",
        about="a custom model in Bedrock",
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
        about="a deployment of a custom model in Bedrock",
        create="CreateCustomModelDeployment",
        describe="GetCustomModelDeployment",
        describe_key="customModelDeploymentIdentifier",
        arn_key="CustomModelDeploymentArn",
        succeeded=frozenset({"Active"}),
    ),
    replace(
        _ANY,
        name="BedrockModelImport",
        about="a model import job of Bedrock",
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
        about="provisioned throughput for a model in Bedrock",
        create="CreateProvisionedModelThroughput",
        describe="GetProvisionedModelThroughput",
        describe_key="provisionedModelId",
        arn_key="ProvisionedModelArn",
        succeeded=frozenset({"InService"}),
    ),
)
