"""Model, RegisterModel, EndpointConfig, Endpoint and InferenceComponent: what a trained model becomes.

Sources: language reference sections 5.6 to 5.8; the SageMaker API reference for the member names.
"""

from __future__ import annotations

from typing import Any

from .model import Answer, StepType


def _versioned_package(request: dict[str, Any]) -> dict[str, Any]:
    """CreateModelPackage for a version of a group: tags belong to the group, and empty metric blocks are refused."""
    # Pipelines takes these out as well: a version is named by its group and is never for the Marketplace.
    dropped = {"Tags", "ModelPackageName", "CertifyForMarketplace"}
    prepared = {key: value for key, value in request.items() if key not in dropped}
    metrics = prepared.get("ModelMetrics")
    if isinstance(metrics, dict):
        kept = {key: value for key, value in metrics.items() if value not in ({}, None)}
        prepared["ModelMetrics"] = kept
        if not kept:
            del prepared["ModelMetrics"]
    return prepared


def _model_data(answer: Answer) -> str:
    containers = [answer.get("PrimaryContainer") or {}, *(answer.get("Containers") or [])]
    return next((str(c["ModelDataUrl"]) for c in containers if c.get("ModelDataUrl")), "")


def _package_data(answer: Answer) -> str:
    containers = (answer.get("InferenceSpecification") or {}).get("Containers") or []
    return next((str(c["ModelDataUrl"]) for c in containers if c.get("ModelDataUrl")), "")


MODEL = StepType(
    name="Model",
    how="resource",
    about="a model",
    create="CreateModel",
    describe="DescribeModel",
    name_key="ModelName",
    arn_key="ModelArn",
    s3_output=_model_data,
    console="models/{name}",
)

REGISTER_MODEL = StepType(
    name="RegisterModel",
    outside=True,
    how="package",
    about="a version in a model package group, which is made when missing",
    create="CreateModelPackage",
    describe="DescribeModelPackage",
    name_key="ModelPackageName",
    arn_key="ModelPackageArn",
    status_key="ModelPackageStatus",
    succeeded=frozenset({"Completed"}),
    failed=frozenset({"Failed"}),
    tagged=False,
    prepare=_versioned_package,
    s3_output=_package_data,
    console="model-packages/{name}",
)

ENDPOINT_CONFIG = StepType(
    name="EndpointConfig",
    outside=True,
    how="resource",
    about="an endpoint configuration",
    create="CreateEndpointConfig",
    describe="DescribeEndpointConfig",
    name_key="EndpointConfigName",
    arn_key="EndpointConfigArn",
    console="endpointConfig/{name}",
)

ENDPOINT = StepType(
    name="Endpoint",
    outside=True,
    how="endpoint",
    about="an endpoint, created or updated, until it is in service",
    waits=True,
    create="CreateEndpoint",
    describe="DescribeEndpoint",
    update="UpdateEndpoint",
    update_members=("EndpointName", "EndpointConfigName"),
    listing="ListEndpoints",
    name_key="EndpointName",
    arn_key="EndpointArn",
    status_key="EndpointStatus",
    succeeded=frozenset({"InService"}),
    failed=frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"}),
    summaries_key="Endpoints",
    log_group="/aws/sagemaker/Endpoints",
    console="endpoints/{name}",
)

INFERENCE_COMPONENT = StepType(
    name="InferenceComponent",
    outside=True,
    how="endpoint",
    about="an inference component of an endpoint, created or updated, until it is in service",
    waits=True,
    create="CreateInferenceComponent",
    describe="DescribeInferenceComponent",
    update="UpdateInferenceComponent",
    update_members=("InferenceComponentName", "Specification", "Specifications", "RuntimeConfig", "DeploymentConfig"),
    name_key="InferenceComponentName",
    arn_key="InferenceComponentArn",
    status_key="InferenceComponentStatus",
    succeeded=frozenset({"InService"}),
    failed=frozenset({"Failed"}),
    log_group="/aws/sagemaker/InferenceComponents",
    console="inferenceComponents/{name}",
)
