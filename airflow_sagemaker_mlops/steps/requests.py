"""Checks the request of each step against botocore's model of its operation, before the run and without a network."""

from __future__ import annotations

from collections.abc import Iterator

from ..definition.model import Get, Join, JsonGet, Pipeline, Step
from ..definition.parse import COMMON_KEYS
from ..definition.problems import Problem
from .catalogue import STEP_TYPES
from .known_text import known_text
from .pitfalls import RULES
from .properties import path_problems
from .shapes import (
    Misfit,
    SlotRule,
    check_arguments,
    check_part,
    operation_input,
)
from .typed_slots import comparisons_can_be_made, slot_rule

EXPERIMENT = frozenset({"ExperimentName", "TrialName"})  # defaults exist, so both are optional
# Members that documents may write in a looser form than the API.
LOOSE_PREFIXES = ("ExperimentConfig",)
BESIDE = 'Move it out of "Arguments", to the step itself.'


def request_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Problems of all steps: SM151 wrong types; as warnings SM152, other violations of botocore's model; SM211,
    unknown property paths; SM220, types that only SageMaker Pipelines refuses; and the rules of ``pitfalls``.
    """
    yield from path_problems(pipeline)
    yield from comparisons_can_be_made(pipeline)
    for pitfall in RULES:
        yield from pitfall(pipeline)
    rule = slot_rule(pipeline)
    for step in pipeline.steps:
        for misfit in _misfits(step, rule):
            code = misfit.code or ("SM151" if misfit.severity == "error" else "SM152")
            where = _below(f"{step.where}.Arguments", misfit.path)
            fix = BESIDE if misfit.path in COMMON_KEYS else misfit.fix
            yield Problem(code, where, misfit.what, fix, severity=misfit.severity)
        yield from _setting_problems(step, rule, pipeline)
    if pipeline.experiment:
        names = {key: value for key, value in pipeline.experiment.items() if key in EXPERIMENT}
        for misfit in check_arguments("sagemaker", "CreateTrial", names, EXPERIMENT, rule):
            code = misfit.code or "SM152"  # jobs run without an experiment, too
            where = _below("$.PipelineExperimentConfig", misfit.path)
            yield Problem(code, where, misfit.what, misfit.fix, severity="warning")


def _below(place: str, path: str) -> str:
    """The place of a misfit at ``path`` in the request at ``place``."""
    return place + (path if path.startswith("[") or not path else f".{path}")


def _setting_problems(step: Step, rule: SlotRule, pipeline: Pipeline) -> Iterator[Problem]:
    """Problems of expressions outside a step's ``Arguments``."""
    entry = STEP_TYPES.get(step.type)
    for key, (service, operation, member) in entry.setting_slots.items() if entry is not None else ():
        value = step.settings.get(key)
        # An empty string there means no value, which the service may accept.
        if isinstance(value, Get | Join | JsonGet) and known_text(value, pipeline.parameters_by_name) != "":
            for misfit in rule(value, operation_input(service, operation).members[member]):
                code = misfit.code or ("SM151" if misfit.severity == "error" else "SM152")
                yield Problem(code, f"{step.where}.{key}", misfit.what, misfit.fix, severity=misfit.severity)


def _misfits(step: Step, rule: SlotRule) -> list[Misfit]:
    entry = STEP_TYPES.get(step.type)
    if entry is None:
        return []
    if not entry.arguments_are_request:
        return [misfit for part in entry.parts for misfit in check_part(part, step.arguments, rule)]
    given = frozenset({entry.name_key}) | entry.supplied
    arguments = entry.prepare(dict(step.arguments))
    later = {key: arguments.pop(key) for key in entry.update_only if key in arguments}
    found = [*check_arguments(entry.service, entry.create, arguments, given, rule)]
    if later:
        found += check_arguments(entry.service, entry.update, later, frozenset(entry.update_members), rule)
    return [misfit for misfit in found if not misfit.path.startswith(LOOSE_PREFIXES)]
