"""Substitutes parameter values into a pipeline before its policy is made, and reports what the policy leaves open.

:func:`with_values` narrows a policy, :func:`open_ends` lists what it could not narrow, and :func:`refuse_wildcards`
keeps characters that IAM would read as wildcards out of ARNs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..definition.model import Get, Join, JsonGet, Pipeline, Step, walk_expressions
from ..definition.problems import InvalidPipeline, Problem
from ..definition.values import as_text
from .catalogue import STEP_TYPES
from .known_text import ANYTHING, known_beginning
from .model import StepType
from .s3_members import file_in_output, processing_outputs

ROLE_KEYS = frozenset(
    {"RoleArn", "ExecutionRoleArn", "executionRoleArn", "ValidationRole", "ServiceRole", "StepExecutionRoleArn"}
)
PROFILES = {"JobFlowRole": "ec2.amazonaws.com", "AutoScalingRole": "application-autoscaling.amazonaws.com"}
FREE_MAPS = frozenset({"Environment", "HyperParameters", "StaticHyperParameters", "Tags"})  # with the user's keys
READABLE = re.compile(r"s3://[^/]+/")  # a known bucket


def with_values(pipeline: Pipeline, values: Mapping[str, object]) -> Pipeline:
    """``pipeline`` with ``values`` in place of references to those parameters."""
    if not values:
        return pipeline
    steps = tuple(
        replace(
            step,
            arguments=_known(step.arguments, values),
            settings=_known(step.settings, values),
            references=tuple(_known(one, values) if isinstance(one, JsonGet) else one for one in step.references),
        )
        for step in pipeline.steps
    )
    return replace(pipeline, steps=steps, experiment=_known(pipeline.experiment, values))


def _known(value: object, values: Mapping[str, object]) -> Any:
    match value:
        case Get(root="Parameters", name=name) if name in values:
            return values[name]
        case Join(on=on, values=parts):
            known = tuple(_known(part, values) for part in parts)
            if any(isinstance(part, Get | Join | JsonGet) for part in known):
                return Join(on, known)
            return on.join(map(as_text, known))
        case JsonGet() if value.s3_uri is not None:
            return replace(value, s3_uri=_known(value.s3_uri, values))
        case Mapping():
            return {key: _known(item, values) for key, item in value.items()}
        case list():
            return [_known(item, values) for item in value]
        case _:
            return value


def role_members(value: object, place: str = "") -> Iterator[tuple[str, str, Any]]:
    """(place, key, value) of every role in a request; a place begins with a dot."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ROLE_KEYS or key in PROFILES:
                yield f"{place}.{key}", key, item
            elif key not in FREE_MAPS:
                yield from role_members(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from role_members(item, f"{place}[{index}]")


def _in_arns(step: Step) -> Iterator[tuple[str, str, Any]]:
    """(place, noun, value) of every value of ``step`` that becomes part of an ARN in its policy."""
    entry = STEP_TYPES.get(step.type)
    if entry is None:
        return
    if not entry.syntax.free_arguments:
        for place, key, value in role_members(step.arguments):
            yield f"{step.where}.Arguments{place}", "role" if key not in PROFILES else key, value
        names = (entry.name_key,) if entry.kind else ()
        for key in (*names, *entry.in_arns):
            yield f"{step.where}.Arguments.{key}", key, step.arguments.get(key)
    for key in (*((entry.target.key,) if entry.target else ()), *entry.settings_in_arns):
        yield f"{step.where}.{key}", key, step.settings.get(key)


def refuse_wildcards(pipeline: Pipeline) -> None:
    """Raise :class:`InvalidPipeline` (SM228) for a literal with ``*`` or ``?``, which IAM would read as wildcards."""
    problems = [
        Problem(
            "SM228",
            place,
            f'"{value}" has a wildcard, so a policy with it would apply to any {what}.',
            "Name one, or use a parameter and give its value with -p.",
        )
        for step in pipeline.steps
        for place, what, value in _in_arns(step)
        if isinstance(value, str) and ("*" in value or "?" in value)
    ]
    if problems:
        raise InvalidPipeline(pipeline.source, problems)


def open_ends(pipeline: Pipeline, account: str, region: str) -> Iterator[str]:
    """Sentences about statements in the policy of ``pipeline`` that could not be narrowed, and how to narrow them."""
    for step in pipeline.steps:
        entry = STEP_TYPES.get(step.type)
        target = entry.target if entry is not None else None
        for place, what, value in _in_arns(step):
            if isinstance(value, Get | Join | JsonGet):
                opened = _any(STEP_TYPES[step.type], what)
                yield f"{place}: {opened}, because it is known only at run time.{_fix(value)}"
            elif what == "JobFlowRole" and value is not None:
                yield f"{place}: any role may be passed to EC2; an instance profile does not name its role."
            elif what == "role" and isinstance(value, str) and value.startswith("arn:") and ":role/" not in value:
                yield f'{place}: "{value}" is not the ARN of a role, so any role may be passed.'
            elif target is not None and what == target.key and isinstance(value, str) and not target.takes(value):
                yield f'{place}: "{value}" cannot be a {target.noun}, so nothing is allowed for it.'
        if entry is not None and entry.too_wide:
            yield f"{step.where}: {entry.too_wide}"
    for where, uri in _once(reports_of(pipeline)):
        begins = known_beginning(uri)[0]
        if not READABLE.match(begins):
            what = "a file in any bucket may be read, because its location is known only at run time."
            yield f"{where}: {what}{_fix(uri)}"
    missing = [option for option, given in (("--account", account), ("--region", region)) if given == "*"]
    if missing:
        yield f"ARNs allow any {' and '.join(word[2:] for word in missing)}: add {' and '.join(missing)}."


def _once(reports: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []
    for report in reports:
        if report not in seen:
            seen.append(report)
            yield report


def _any(entry: StepType, what: str) -> str:
    if what == "role":
        return "any role may be passed"
    if entry.target is not None and what == entry.target.key:
        return entry.target.opened
    if what == entry.name_key and not entry.verbatim:
        return f"{what} may begin with anything"
    return f"any {what} is allowed"


def _fix(value: object) -> str:
    reads = [one for one in walk_expressions(value) if isinstance(one, Get | JsonGet) and one is not ANYTHING]
    names = dict.fromkeys(one.name for one in reads if isinstance(one, Get) and one.root == "Parameters")
    others = any(isinstance(one, JsonGet) or one.root != "Parameters" for one in reads)
    return "" if others or not names else " Add " + " ".join(f"-p {name}=..." for name in names) + "."


def reports_of(pipeline: Pipeline) -> Iterator[tuple[str, Any]]:
    """(place, URI) of every file in S3 that steps read themselves: for ``Std:JsonGet``, and baselines of checks.

    A URI is a string, an expression, or ``None`` if the document does not state it.
    """
    steps = pipeline.by_name
    for step in pipeline.steps:
        for read in step.references:
            if isinstance(read, JsonGet):
                yield step.where, read.s3_uri if read.step is None else _property_file(steps.get(read.step), read)
        entry = STEP_TYPES.get(step.type)
        if entry is not None:
            yield from entry.reports(step)


def _property_file(step: Step | None, read: JsonGet) -> Any:
    file = next((one for one in step.property_files if one.name == read.property_file), None) if step else None
    uri = processing_outputs(step).get(file.output) if step and file else None
    if uri is None or file is None:
        return None
    return file_in_output(uri, file.path) if isinstance(uri, str) else Join("/", (uri, file.path.lstrip("/")))
