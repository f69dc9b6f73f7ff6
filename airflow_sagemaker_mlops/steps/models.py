"""Model, RegisterModel, EndpointConfig, Endpoint and InferenceComponent: steps that use a trained model.

Sources: docs/language/steps/models.md; the SageMaker API reference for the member names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..definition.model import Pipeline, Step
from ..definition.problems import Problem, warning
from ..definition.step_types import VERDICT_BRANCHES, StepSyntax, is_extension
from .arns import Place, packages, spelled
from .guardrails import component_guardrails, config_guardrails, endpoint_guardrails
from .iam import grants_by_name, listing_grants, member, names_of, objects, sagemaker_grants
from .model import EVERYTHING, Answer, Grant, StepType


def _versioned_package(request: Mapping[str, object]) -> dict[str, Any]:
    """CreateModelPackage for a version of a group: tags belong to the group, and empty metric blocks are refused."""
    # Pipelines removes these, too: a version is named by its group and is never for the Marketplace.
    # The runner sets the description afterwards: CreateModelPackage does not take it.
    dropped = {"Tags", "ModelPackageName", "CertifyForMarketplace", "ApprovalDescription"}
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


def _one_form_of_containers(step: Step, _pipeline: Pipeline) -> Iterator[Problem]:
    """A Model step has either ``PrimaryContainer`` or ``Containers``."""
    has = [key for key in ("PrimaryContainer", "Containers") if step.arguments.get(key)]
    if not has:
        what = f'step "{step.name}" creates a model without a container, which CreateModel refuses.'
        yield warning("SM222", f"{step.where}.Arguments", what, 'Add "PrimaryContainer" or "Containers".')
    elif len(has) == 2:
        what = f'step "{step.name}" has both "PrimaryContainer" and "Containers", which CreateModel refuses.'
        yield warning("SM222", f"{step.where}.Arguments", what, "Keep one of them.")


def _named_by_its_group(step: Step, _pipeline: Pipeline) -> Iterator[Problem]:
    """A version in a model package group has no other name."""
    if not step.arguments.get("ModelPackageGroupName"):
        return
    for key, why in (
        ("ModelPackageName", "CreateModelPackage accepts a group or a name, not both"),
        ("CertifyForMarketplace", "a version in a group is never for the Marketplace"),
    ):
        if step.arguments.get(key):
            what = f'step "{step.name}" names a group, so "{key}" is left out: {why}.'
            fix = f'Remove "{key}"; SageMaker Pipelines refuses it together with "ModelPackageGroupName".'
            yield warning("SM223", f"{step.where}.Arguments.{key}", what, fix)


def _description_is_for_airflow(step: Step, pipeline: Pipeline) -> Iterator[Problem]:
    """What this package adds to RegisterModel is refused by the service, which a document may be meant for."""
    ours = any(is_extension(other.type) and other.type not in VERDICT_BRANCHES for other in pipeline.steps)
    if step.arguments.get("ApprovalDescription") is not None and not ours:
        what = f'step "{step.name}" has an "ApprovalDescription", which only this package sets, by UpdateModelPackage.'
        fix = 'Remove it if the definition is to run on SageMaker Pipelines; "ModelPackageDescription" is taken there.'
        yield warning("SM324", f"{step.where}.Arguments.ApprovalDescription", what, fix)


def _version_grants(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    group = step.arguments.get("ModelPackageGroupName")
    groups, versions = packages(place, group)
    yield from (("sagemaker:DescribeModelPackage", arn) for arn in versions)
    if step.arguments.get("ApprovalDescription") is not None:
        yield from (("sagemaker:UpdateModelPackage", arn) for arn in versions)
    yield from (("sagemaker:CreateModelPackage", arn) for arn in [*versions, *(groups if group else [])])
    if group and not (isinstance(group, str) and group.startswith("arn:")):  # created if it does not exist
        operations = ["DescribeModelPackageGroup", "CreateModelPackageGroup"]
        operations += ["AddTags"] if step.arguments.get("Tags") else []
        yield from ((f"sagemaker:{operation}", arn) for operation in operations for arn in groups)


MODEL = StepType(
    name="Model",
    runner=".resource.ResourceRunner",
    syntax=StepSyntax(also_called=("createmodel",)),
    about="a model",
    create="CreateModel",
    describe="DescribeModel",
    name_key="ModelName",
    arn_key="ModelArn",
    pitfalls=(_one_form_of_containers,),
    s3_output=_model_data,
    console="models/{name}",
    kind="model",
    grants=grants_by_name,
    local_aws="stored",
)

REGISTER_MODEL = StepType(
    name="RegisterModel",
    outside=True,
    runner=".model_package.ModelPackageRunner",
    syntax=StepSyntax(also_called=("createmodelpackage", "modelpackage")),
    about="a version in a model package group, which is created if it does not exist",
    create="CreateModelPackage",
    describe="DescribeModelPackage",
    name_key="ModelPackageName",
    arn_key="ModelPackageArn",
    status_key="ModelPackageStatus",
    succeeded=frozenset({"Completed"}),
    failed=frozenset({"Failed"}),
    tagged=False,
    prepare=_versioned_package,
    pitfalls=(_named_by_its_group, _description_is_for_airflow),
    s3_output=_package_data,
    console="model-packages/{name}",
    grants=_version_grants,
    in_arns=("ModelPackageGroupName",),
    local_aws="stored",
)

ENDPOINT_CONFIG = StepType(
    name="EndpointConfig",
    outside=True,
    runner=".resource.ResourceRunner",
    syntax=StepSyntax(also_called=("createendpointconfig",)),
    about="an endpoint configuration",
    create="CreateEndpointConfig",
    describe="DescribeEndpointConfig",
    name_key="EndpointConfigName",
    verbatim=True,
    arn_key="EndpointConfigArn",
    cache_key=EVERYTHING,
    pitfalls=(config_guardrails,),
    console="endpointConfig/{name}",
    kind="endpoint-config",
    grants=grants_by_name,
    local_aws="stored",
)


def alarms_of(request: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the alarms in ``DeploymentConfig.AutoRollbackConfiguration``, as far as they are texts."""
    configuration = member(member(request.get("DeploymentConfig"), "AutoRollbackConfiguration"), "Alarms")
    names = (alarm.get("AlarmName") for alarm in objects(configuration))
    return tuple(name for name in names if isinstance(name, str) and name)


def _alarm_grants(step: Step, place: Place) -> Iterator[Grant]:
    """AWS looks at the alarms in the caller's name, and so does the step after a rollback."""
    configuration = member(step.arguments.get("DeploymentConfig"), "AutoRollbackConfiguration")
    alarms = objects(member(configuration, "Alarms"))
    for name in dict.fromkeys(alarm.get("AlarmName") for alarm in alarms):
        arn = place.arn("cloudwatch", f"alarm:{name if isinstance(name, str) else '*'}")
        yield "cloudwatch:DescribeAlarms", arn
        yield "cloudwatch:DescribeAlarmHistory", arn  # of those that have ended by then


def _endpoint_grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    yield from _alarm_grants(step, place)
    operations = (entry.create, entry.update)
    yield from sagemaker_grants(place, (*operations, entry.describe, "AddTags"), names_of(step, entry))
    # CreateEndpoint is also authorized on the endpoint configuration.
    yield from sagemaker_grants(place, operations, _given("endpoint-config", step.arguments.get("EndpointConfigName")))
    yield from listing_grants(entry)


def _component_grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    yield from _alarm_grants(step, place)
    operations = (entry.create, entry.update, entry.describe, "AddTags")
    yield from sagemaker_grants(place, operations, names_of(step, entry))
    # CreateInferenceComponent is also authorized on the endpoint.
    yield from sagemaker_grants(place, (entry.create,), _given("endpoint", step.arguments.get("EndpointName")))


def _given(kind: str, name: object) -> list[str]:
    return spelled(kind, name if isinstance(name, str) and name else "*")


_RETAINING = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")
ENDPOINT = StepType(
    name="Endpoint",
    outside=True,
    runner=".endpoint.EndpointRunner",
    syntax=StepSyntax(waits=True, also_called=("createendpoint",)),
    about="creates or updates an endpoint and waits until it is in service",
    create="CreateEndpoint",
    describe="DescribeEndpoint",
    update="UpdateEndpoint",
    update_members=("EndpointName", "EndpointConfigName", "DeploymentConfig", *_RETAINING),
    update_only=frozenset(_RETAINING),
    pitfalls=(endpoint_guardrails,),
    alarms=alarms_of,
    listing="ListEndpoints",
    name_key="EndpointName",
    verbatim=True,
    arn_key="EndpointArn",
    status_key="EndpointStatus",
    succeeded=frozenset({"InService"}),
    failed=frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"}),
    summaries_key="Endpoints",
    log_group="/aws/sagemaker/Endpoints",
    supplied=frozenset({"EndpointConfigName"}),
    cache_key=EVERYTHING,
    console="endpoints/{name}",
    kind="endpoint",
    grants=_endpoint_grants,
    in_arns=("EndpointConfigName",),
    local_aws="serves on loopback",
)

INFERENCE_COMPONENT = StepType(
    name="InferenceComponent",
    outside=True,
    runner=".endpoint.InferenceComponentRunner",
    syntax=StepSyntax(waits=True),
    about="creates or updates an inference component of an endpoint and waits until it is in service",
    create="CreateInferenceComponent",
    describe="DescribeInferenceComponent",
    update="UpdateInferenceComponent",
    update_members=("InferenceComponentName", "Specification", "Specifications", "RuntimeConfig", "DeploymentConfig"),
    update_only=frozenset({"DeploymentConfig"}),
    pitfalls=(component_guardrails,),
    alarms=alarms_of,
    name_key="InferenceComponentName",
    verbatim=True,
    arn_key="InferenceComponentArn",
    status_key="InferenceComponentStatus",
    succeeded=frozenset({"InService"}),
    failed=frozenset({"Failed"}),
    log_group="/aws/sagemaker/InferenceComponents",
    console="inferenceComponents/{name}",
    kind="inference-component",
    grants=_component_grants,
    in_arns=("EndpointName",),
)

MODELS = (MODEL, REGISTER_MODEL, ENDPOINT_CONFIG, ENDPOINT, INFERENCE_COMPONENT)
