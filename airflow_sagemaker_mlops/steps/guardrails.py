"""Deployment guardrails that AWS refuses, or leaves out in silence: rules of ``check`` for Endpoint and EndpointConfig.

Sources: SageMaker developer guide, "Deployment guardrails" and the exclusions of each policy, "Serverless inference:
feature exclusions", "Shadow variants"; docs/guides/deployment.md.  Bounds that botocore's model of the request has
(more than 10 alarms, waits above an hour) are checked with the request.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..definition.model import Expression, Get, Pipeline, Step
from ..definition.problems import Problem, warning
from .iam import member, objects
from .known_text import known_text

GUIDE = "See docs/guides/deployment.md."
POLICIES = ("BlueGreenUpdatePolicy", "RollingUpdatePolicy")
_UNVERSIONED_PACKAGE = re.compile(r"arn:[^:]+:sagemaker:[^:]*:\d{12}:model-package/[^/]+")


@dataclass(frozen=True, slots=True)
class _Deployment:
    """The ``DeploymentConfig`` of a step, as far as its values are known before anything runs."""

    step: Step
    pipeline: Pipeline
    blue_green: Any
    rolling: Any
    alarms: Any

    @property
    def where(self) -> str:
        return f"{self.step.where}.Arguments.DeploymentConfig"

    @property
    def routing(self) -> Any:
        return member(self.blue_green, "TrafficRoutingConfiguration")

    @property
    def type(self) -> str:
        """CANARY, LINEAR, ROLLING or ALL_AT_ONCE; "" where that is not known."""
        if self.rolling is not None:
            return "ROLLING"
        return known_text(member(self.routing, "Type"), self.pipeline.parameters_by_name) or ""

    @property
    def shifts(self) -> bool:
        """Whether the traffic moves in more than one step."""
        return self.type in ("CANARY", "LINEAR", "ROLLING")

    def number(self, value: object) -> float | None:
        """A number of the document, by the parameter's default if it is an expression; ``None`` if it is not known."""
        text = None if value is None else known_text(value, self.pipeline.parameters_by_name)
        try:
            return None if text is None else float(text)
        except ValueError:
            return None

    def size(self, value: object) -> tuple[str, float] | None:
        """(type, value) of a capacity size, if both are known."""
        kind = known_text(member(value, "Type"), self.pipeline.parameters_by_name)
        number = self.number(member(value, "Value"))
        return None if not kind or number is None else (kind, number)


def _deployment(step: Step, pipeline: Pipeline) -> _Deployment | None:
    config = step.arguments.get("DeploymentConfig")
    if not isinstance(config, Mapping):
        return None
    alarms = member(config.get("AutoRollbackConfiguration"), "Alarms")
    return _Deployment(step, pipeline, config.get(POLICIES[0]), config.get(POLICIES[1]), alarms)


def endpoint_guardrails(step: Step, pipeline: Pipeline) -> Iterator[Problem]:
    """What is wrong with the update that an Endpoint step makes."""
    deployment = _deployment(step, pipeline)
    config = _config_of(step, pipeline)
    yield from _same_variants(step, config, pipeline)
    if deployment is None:
        return
    if deployment.blue_green is not None and deployment.rolling is not None:
        what = f'step "{step.name}" has both policies, of which UpdateEndpoint takes one.'
        yield Problem("SM337", deployment.where, what, f"Keep {POLICIES[0]} or {POLICIES[1]}.")
        return
    yield from _something_watches(deployment)
    yield from _sizes_are_allowed(deployment)
    yield from _time_is_enough(deployment, config)
    if config is not None:
        yield from _variants_can_be_shifted(deployment, config)


def component_guardrails(step: Step, pipeline: Pipeline) -> Iterator[Problem]:
    """What is wrong with the update that an InferenceComponent step makes; it is always a rolling one."""
    deployment = _deployment(step, pipeline)
    if deployment is not None:
        yield from _something_watches(deployment)


def _something_watches(deployment: _Deployment) -> Iterator[Problem]:
    """A gradual update has alarms: without any, AWS rolls nothing back and says nothing."""
    step, alarms = deployment.step, deployment.alarms
    bake = deployment.number(member(deployment.blue_green, "TerminationWaitInSeconds")) or 0
    alarms_are_known = alarms is None or isinstance(alarms, list | tuple)
    if alarms_are_known and not alarms:
        fix = 'Add "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "..."}]}.'
        if deployment.shifts:
            what = (
                f'step "{step.name}" shifts traffic ({deployment.type}) and names no alarm: nothing would ever be '
                "rolled back, and AWS does not say so."
            )
            yield Problem("SM330", deployment.where, what, f"{fix} {GUIDE}")
        elif bake:
            what = f'step "{step.name}" waits {bake:.0f} s before the old fleet ends, and no alarm watches meanwhile.'
            place = f"{deployment.where}.BlueGreenUpdatePolicy.TerminationWaitInSeconds"
            yield warning("SM331", place, what, f"{fix} Or leave the wait out.")
    elif deployment.type == "ALL_AT_ONCE" and alarms and not bake:
        if _is_expression(member(deployment.blue_green, "TerminationWaitInSeconds")):
            return
        what = f'the alarms of step "{step.name}" watch for no time: all traffic moves at once and nothing is baked.'
        fix = 'Add "TerminationWaitInSeconds" to "BlueGreenUpdatePolicy", e.g. 600.'
        yield warning("SM331", f"{deployment.where}.AutoRollbackConfiguration", what, fix)


def _is_expression(value: object) -> bool:
    return isinstance(value, Expression)


def _sizes_are_allowed(deployment: _Deployment) -> Iterator[Problem]:
    """The sizes of the first and the next steps, within the bounds of the API reference."""
    where = deployment.where
    routing = f"{where}.BlueGreenUpdatePolicy.TrafficRoutingConfiguration"
    rolling = f"{where}.RollingUpdatePolicy"
    for kind, code, holder, place, key, least, most in (
        ("CANARY", "SM338", deployment.routing, routing, "CanarySize", 1, 50),
        ("LINEAR", "SM339", deployment.routing, routing, "LinearStepSize", 10, 50),
        ("ROLLING", "SM340", deployment.rolling, rolling, "MaximumBatchSize", 5, 50),
        ("ROLLING", "SM340", deployment.rolling, rolling, "RollbackMaximumBatchSize", 5, 100),
    ):
        if deployment.type != kind or not isinstance(holder, Mapping):
            continue
        given = holder.get(key)
        if given is None:
            if key in ("CanarySize", "LinearStepSize"):
                what = f'{kind} of step "{deployment.step.name}" has no "{key}".'
                fix = f'Add "{key}": {{"Type": "CAPACITY_PERCENT", "Value": {least if least > 1 else 10}}}.'
                yield Problem(code, place, what, fix)
            continue
        size = deployment.size(given)
        if size is not None and size[0] == "CAPACITY_PERCENT" and not least <= size[1] <= most:
            what = f"{key} is {size[1]:g} % of the capacity."
            yield Problem(code, f"{place}.{key}", what, f"Use {least} to {most} %.")


def _time_is_enough(deployment: _Deployment, config: Step | None) -> Iterator[Problem]:
    """The waits of an update fit into its time limit, at which AWS rolls it back."""
    policy = deployment.blue_green if deployment.rolling is None else deployment.rolling
    limit = deployment.number(member(policy, "MaximumExecutionTimeoutInSeconds"))
    waits = _waits(deployment, config)
    if limit is None or waits is None or waits < limit:
        return
    what = f'the waits of step "{deployment.step.name}" take {waits:.0f} s, and its time limit is {limit:.0f} s.'
    key = POLICIES[0] if deployment.rolling is None else POLICIES[1]
    place = f"{deployment.where}.{key}.MaximumExecutionTimeoutInSeconds"
    yield Problem("SM335", place, what, "AWS would always roll the update back: raise the limit, or shorten the waits.")


def _waits(deployment: _Deployment, config: Step | None) -> float | None:
    """The sum of all waits in seconds; ``None`` where it is not known."""
    holder = deployment.routing if deployment.rolling is None else deployment.rolling
    wait = deployment.number(member(holder, "WaitIntervalInSeconds"))
    bake = deployment.number(member(deployment.blue_green, "TerminationWaitInSeconds")) or 0.0
    match deployment.type:
        case "ALL_AT_ONCE":
            return bake
        case "CANARY":
            return None if wait is None else wait + bake
        case "LINEAR" | "ROLLING":
            key = "LinearStepSize" if deployment.type == "LINEAR" else "MaximumBatchSize"
            share = _share(deployment, member(holder, key), config)
            if share is None or wait is None or not 0 < share <= 1:
                return None
            steps = math.ceil(round(1 / share, 9))
            return wait * (steps - 1 if deployment.type == "LINEAR" else steps) + bake
        case _:
            return None


def _share(deployment: _Deployment, value: object, config: Step | None) -> float | None:
    size = deployment.size(value)
    if size is None:
        return None
    if size[0] == "CAPACITY_PERCENT":
        return size[1] / 100
    first = next(iter(_variants(config)), {}) if config is not None else {}
    instances = deployment.number(first.get("InitialInstanceCount"))
    return None if not instances else size[1] / instances


def _variants_can_be_shifted(deployment: _Deployment, config: Step) -> Iterator[Problem]:
    """Variants whose traffic AWS does not shift gradually, or not with this policy."""
    if not deployment.shifts:
        return
    step, variants, parameters = deployment.step, _variants(config), deployment.pipeline.parameters_by_name
    serverless = [variant for variant in variants if variant.get("ServerlessConfig")]
    if deployment.type == "ROLLING" and (len(variants) > 1 or serverless):
        kind = "is serverless" if serverless else f"has {len(variants)} production variants"
        what = f'step "{step.name}" updates in batches, and its configuration "{config.name}" {kind}.'
        fix = "Rolling updates take one variant on instances; use a canary or linear BlueGreenUpdatePolicy."
        yield Problem("SM336", f"{deployment.where}.RollingUpdatePolicy", what, fix)
    elif serverless:
        for key in ("CanarySize", "LinearStepSize"):
            size = deployment.size(member(deployment.routing, key))
            if size is not None and size[0] == "INSTANCE_COUNT":
                what = f'{key} of step "{step.name}" counts instances, and "{config.name}" is serverless.'
                place = f"{deployment.where}.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.{key}"
                yield Problem("SM343", place, what, 'Use "CAPACITY_PERCENT".')
    fallen = "AWS then moves all traffic at once, bakes nothing, and does not say so."
    for index, variant in enumerate(variants):
        where = f"{config.where}.Arguments.ProductionVariants[{index}]"
        instance = known_text(variant.get("InstanceType"), parameters) if variant.get("InstanceType") else None
        if instance and instance.startswith("ml.inf1."):
            what = f'"{instance}" cannot be updated gradually, as step "{step.name}" asks. {fallen}'
            yield Problem("SM332", f"{where}.InstanceType", what, "Use ml.inf2 or another instance type.")
        for place, package in _packages(variant.get("ModelName"), deployment.pipeline):
            if _UNVERSIONED_PACKAGE.fullmatch(package):
                what = f'"{package}" is a model package without a version, as those of the Marketplace are. {fallen}'
                fix = f'If it is from the Marketplace, update all at once in step "{step.name}".'
                yield warning("SM333", place, what, fix)


def _packages(model: object, pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """(place, ARN) of the model packages of the Model step that ``model`` reads."""
    step = _step_read(model, "ModelName", "Model", pipeline)
    if step is None:
        return
    for key, container in (
        ("PrimaryContainer", step.arguments.get("PrimaryContainer")),
        *((f"Containers[{index}]", item) for index, item in enumerate(objects(step.arguments.get("Containers")))),
    ):
        text = known_text(member(container, "ModelPackageName"), pipeline.parameters_by_name) if container else None
        if text:
            yield f"{step.where}.Arguments.{key}.ModelPackageName", text


def _same_variants(step: Step, config: Step | None, pipeline: Pipeline) -> Iterator[Problem]:
    """Variants keep their names from update to update."""
    if config is None:
        return
    for index, variant in enumerate(_variants(config)):
        name = variant.get("VariantName")
        if _is_expression(name) and known_text(name, pipeline.parameters_by_name) is None:
            what = f'the variant\'s name changes from run to run, and step "{step.name}" updates an endpoint with it.'
            fix = "Write a fixed name: AWS shifts traffic between variants of the same name only."
            yield Problem("SM334", f"{config.where}.Arguments.ProductionVariants[{index}].VariantName", what, fix)
            return
    endpoint = known_text(step.arguments.get("EndpointName"), pipeline.parameters_by_name)
    for other in pipeline.steps:
        if other is step or other.type != "Endpoint" or endpoint is None:
            continue
        theirs = _config_of(other, pipeline)
        if theirs is None or theirs is config or other.name > step.name:  # tell a pair once
            continue
        if known_text(other.arguments.get("EndpointName"), pipeline.parameters_by_name) == endpoint:
            ours, before = _names(config, pipeline), _names(theirs, pipeline)
            if ours != before:
                what = (
                    f'the endpoint "{endpoint}" has the variants {_listed(ours)} in "{config.name}" and '
                    f'{_listed(before)} in "{theirs.name}".'
                )
                fix = "Give them the same names: AWS shifts traffic between variants of the same name only."
                yield Problem("SM334", f"{config.where}.Arguments.ProductionVariants", what, fix)


def _names(config: Step, pipeline: Pipeline) -> list[str]:
    names = (known_text(variant.get("VariantName"), pipeline.parameters_by_name) for variant in _variants(config))
    return sorted(name or "" for name in names)


def _listed(names: list[str]) -> str:
    return " and ".join(f'"{name}"' for name in names)


def config_guardrails(step: Step, _pipeline: Pipeline) -> Iterator[Problem]:
    """Shadow variants, and what serverless variants do without, in an EndpointConfig step."""
    variants, where = _variants(step), f"{step.where}.Arguments"
    shadows = objects(step.arguments.get("ShadowProductionVariants"))
    if shadows and (len(variants), len(shadows)) != (1, 1):
        what = (
            f'step "{step.name}" has {len(variants)} production variants and {len(shadows)} shadow variants; '
            "CreateEndpointConfig takes one of each."
        )
        yield Problem("SM342", f"{where}.ShadowProductionVariants", what, "Keep one of each.")
    if not any(variant.get("ServerlessConfig") for variant in (*variants, *shadows)):
        return
    for key, has, lacks in (
        ("DataCaptureConfig", bool(step.arguments.get("DataCaptureConfig")), "capture no data"),
        ("ShadowProductionVariants", bool(shadows), "have no shadow variants"),
        ("ProductionVariants", len(variants) > 1, "have one variant"),
    ):
        if has:
            what = f'step "{step.name}" is serverless, and serverless endpoints {lacks}.'
            yield Problem("SM343", f"{where}.{key}", what, "Leave it out, or use instances.")


def _variants(config: Step) -> list[Mapping[str, Any]]:
    return objects(config.arguments.get("ProductionVariants"))


def _config_of(step: Step, pipeline: Pipeline) -> Step | None:
    """The EndpointConfig step of the same document whose configuration an Endpoint step uses."""
    return _step_read(step.arguments.get("EndpointConfigName"), "EndpointConfigName", "EndpointConfig", pipeline)


def _step_read(value: object, key: str, step_type: str, pipeline: Pipeline) -> Step | None:
    """The step of ``step_type`` whose ``key`` is ``value``: a property of it, or the same name."""
    if isinstance(value, Get) and value.root == "Steps":
        found = pipeline.by_name.get(value.name)
        return found if found is not None and found.type == step_type else None
    name = known_text(value, pipeline.parameters_by_name) if value is not None else None
    for step in pipeline.steps if name else ():
        if step.type == step_type and known_text(step.arguments.get(key), pipeline.parameters_by_name) == name:
            return step
    return None
