"""Reads parameters, and the keys of steps that any type may have, except the arguments; reports malformed ones.

Each function gets the value, which may be anything, and its place; null counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from .expressions import MARKS, kind_of
from .model import (
    CacheConfig,
    Dependency,
    OutputParameter,
    Parameter,
    PropertyFile,
    Step,
    Trigger,
)
from .problems import Place, did_you_mean, misspelt, place_text
from .step_types import syntax_of
from .values import HOW_TO_WRITE, PARAMETER_TYPES, as_text, listed, parse_duration, parse_parameter

if TYPE_CHECKING:
    from .report import Reporter

_LETTERS = re.compile(r"[A-Za-z0-9\-_]+")
# A step's name is its task id, which Airflow limits to 250 characters; its gate's id has 5 more.
LONGEST = {"step": 245, "parameter": 256}
LONGEST_AT_AWS = 64  # of a step; the AWS documentation contradicts itself about the longest parameter name
PARAMETER_KEYS = frozenset({"Name", "Type", "DefaultValue", "EnumValues", "Description"})
CACHE_KEYS = frozenset({"Enabled", "ExpireAfter"})
DEPENDENCY_KEYS = frozenset({"Step", "Trigger"})
PROPERTY_FILE_KEYS = ("PropertyFileName", "OutputName", "FilePath")
OUTPUT_KEYS = ("OutputName", "OutputType")
TRIGGERS = ("Completed", "Failed", "Stopped", "Any")


def read_name(out: Reporter, item: Mapping[str, Any], place: Place, what: Literal["step", "parameter"]) -> bool:
    """Whether the name of the step or parameter at ``place`` is valid; reports it if not."""
    name = item.get("Name")
    if name is None:
        fix = misspelt("Name", item) or 'Add "Name".'
        out.report("SM121", place, f'this {what} has no "Name".', fix)
        return False
    here, most = (place, "Name"), LONGEST[what]
    fix = f"Use 1 to {most} letters, digits, dashes and underscores."
    if not isinstance(name, str):
        out.reader.wanted(name, str, here, f"the name of a {what}")
        return False
    shown = f'"{name}"' if len(name) <= 60 else f'"{name[:40]}..."'
    if len(name) > most:
        out.report("SM123", here, f"{shown} is too long for the name of a {what}: {len(name)} characters.", fix)
        return False
    if not _LETTERS.fullmatch(name):
        out.report("SM123", here, f"{shown} cannot be the name of a {what}.", fix)
        return False
    if what == "step" and len(name) > LONGEST_AT_AWS:
        long = f"{shown} has {len(name)} characters; SageMaker Pipelines allows {LONGEST_AT_AWS}."
        out.report("SM123", here, long, "Shorten it if the definition should run there, too.", warn=True)
    return True


def read_parameters(out: Reporter, items: object, written: Mapping[str, str]) -> tuple[Parameter, ...]:
    """The parameters in ``items``, which may be any value; ``written``: see :func:`~.parse.parse`."""
    place = (None, "Parameters")
    if not out.reader.wanted(items, list, place, "a list"):
        return ()
    read = [_parameter(out, item, (place, index), written) for index, item in enumerate(items)]
    return tuple(parameter for parameter in read if parameter is not None)


def _parameter(out: Reporter, item: object, place: Place, written: Mapping[str, str]) -> Parameter | None:
    if not out.reader.wanted(item, Mapping, place, "a parameter (an object)"):
        if item is None:
            out.report("SM122", place, "expected a parameter (an object), found null.")
        return None
    out.unknown_keys(item, PARAMETER_KEYS, place, "a parameter")
    if not read_name(out, item, place, "parameter"):
        return None
    name = str(item["Name"])
    kind: Any = item.get("Type", "String") or "String"
    if kind not in PARAMETER_TYPES:
        hint = did_you_mean(str(kind), PARAMETER_TYPES)
        out.report("SM130", (place, "Type"), f'parameter "{name}" has the type {kind_of(kind)}.', hint)
        kind = "String"
    given = item.get("EnumValues")
    choices = given if out.reader.wanted(given, list, (place, "EnumValues"), "a list of strings") else []
    default = item.get("DefaultValue")
    if kind == "String":
        choices = _texts(out, name, choices, (place, "EnumValues"), written)
        if default is not None and not isinstance(default, str):
            what = f'the default of the String parameter "{name}"'
            _no_text(out, what, default, (place, "DefaultValue"), written)
            default = None
    else:
        choices = _typed(out, name, kind, choices, (place, "EnumValues"))
    if default is not None:
        default = _default(out, Parameter(name, kind, default, (), "", ""), choices, (place, "DefaultValue"))
    about = item.get("Description")
    about = about if out.reader.wanted(about, str, (place, "Description"), "a string") else ""
    return Parameter(name, kind, default, tuple(choices), about, place_text(place))


def _default(out: Reporter, parameter: Parameter, choices: list[Any], place: Place) -> Any:
    name, kind = parameter.name, parameter.type
    value: Any = parameter.default
    if isinstance(value, Mapping | list):
        out.reader.wanted(value, str, place, f"a literal {kind}")
        return None
    if value == "" and kind == "String":  # the service accepts it as a default, but not as a value given to a run
        return value
    try:
        typed = parse_parameter(value, kind, (), name)
        if choices and typed not in choices:
            raise ValueError(f'the default of "{name}" is {kind_of(value)}, which is not among its EnumValues.')
    except ValueError as error:
        hint = f"Use one of: {listed(choices)}." if choices else ""
        out.report("SM131", place, str(error), hint)
        return None
    return typed


def _texts(out: Reporter, name: str, choices: list[Any], place: Place, written: Mapping[str, str]) -> list[str]:
    """The strings among the choices of a String parameter; everything else is reported."""
    for index, choice in enumerate(choices):
        if not isinstance(choice, str):
            _no_text(out, f'a choice of the String parameter "{name}"', choice, (place, index), written)
    return [choice for choice in choices if isinstance(choice, str)]


def _typed(out: Reporter, name: str, kind: str, choices: list[Any], place: Place) -> list[Any]:
    """The choices of a parameter of another type than String, converted to it; those that do not fit are reported."""
    typed = []
    for index, choice in enumerate(choices):
        try:
            typed.append(parse_parameter(choice, kind, (), name))
        except ValueError as error:
            out.report("SM131", (place, index), f"a choice of {error}")
    return typed


def _no_text(out: Reporter, owner: str, value: object, place: Place, written: Mapping[str, str]) -> None:
    """Report a value that is not a string: ``3.10`` would become "3.1", and the service accepts only strings."""
    if isinstance(value, Mapping | list):
        out.reader.wanted(value, str, place, "a literal String")
        return
    text = written.get(place_text(place)) or as_text(value)
    text = text if len(text) <= 60 else f"{text[:60]}..."
    kind = (
        "a boolean, not a string"
        if isinstance(value, bool)
        else "not a string"
        if value is None
        else "a number, not a string"
    )
    out.report("SM131", place, f"{owner} is {text}, {kind}.", f'Put it in quotation marks: "{text}".')


def read_dependencies(out: Reporter, items: object, place: Place) -> tuple[Dependency, ...]:
    """``DependsOn``: names, or a name with the trigger to wait for."""
    if not out.reader.wanted(items, list, place, "a list of step names"):
        return ()
    read = []
    for index, item in enumerate(items):
        here = (place, index)
        step, trigger = (item.get("Step"), item.get("Trigger")) if isinstance(item, Mapping) else (item, None)
        if isinstance(item, Mapping) and len(item) == 1 and next(iter(item)) in MARKS:
            out.reader.wanted(item, str, here, "a step name")  # reports the expression
            continue
        if isinstance(item, Mapping):
            _dependency_keys(out, item, here)
        if not isinstance(step, str):
            out.report("SM122", here, f"expected a step name, found {kind_of(step)}.")
        elif trigger not in (None, *TRIGGERS):
            out.report("SM122", here, f"{kind_of(trigger)} is not a trigger.", f"Use one of: {', '.join(TRIGGERS)}.")
        else:
            chosen: Trigger = trigger or "Completed"
            read.append(Dependency(step, chosen, place_text(here)))
    return tuple(read)


def _dependency_keys(out: Reporter, item: Mapping[str, object], place: Place) -> None:
    """Report unknown keys; an error if ``Trigger`` is missing, because a step for failures would run on success."""
    if item.get("Trigger") is not None:
        out.unknown_keys(item, DEPENDENCY_KEYS, place, "an entry of DependsOn")
        return
    for key in item:
        if key not in DEPENDENCY_KEYS:
            what = f'an entry of DependsOn has no key "{key}"; without "Trigger" it waits for Completed.'
            out.report("SM120", (place, key), what, did_you_mean(str(key), DEPENDENCY_KEYS))


def read_property_files(out: Reporter, items: object, place: Place) -> tuple[PropertyFile, ...]:
    """``PropertyFiles``."""
    rows = _rows(out, items, place, PROPERTY_FILE_KEYS)
    return tuple(PropertyFile(*(row[key] for key in PROPERTY_FILE_KEYS)) for row, _ in rows)


def read_outputs(out: Reporter, items: object, place: Place) -> tuple[OutputParameter, ...]:
    """``OutputParameters``."""
    rows = _rows(out, items, place, OUTPUT_KEYS[:1], optional=OUTPUT_KEYS[1:])
    outputs = []
    for row, here in rows:
        kind: Any = row.get("OutputType") or "String"
        if kind not in PARAMETER_TYPES:
            hint = did_you_mean(str(kind), PARAMETER_TYPES)
            out.report(
                "SM130", (here, "OutputType"), f'output "{row["OutputName"]}" has the type {kind_of(kind)}.', hint
            )
            kind = "String"
        outputs.append(OutputParameter(row["OutputName"], kind))
    return tuple(outputs)


def output_names(step: Step) -> list[tuple[str, Any]]:
    """Place and value of every ``OutputName`` of a Processing step; a value may be anything."""
    config = step.arguments.get("ProcessingOutputConfig") if syntax_of(step.type).property_files else None
    outputs = config.get("Outputs") if isinstance(config, Mapping) else None
    rows = outputs if isinstance(outputs, list) else []
    base = f"{step.where}.Arguments.ProcessingOutputConfig.Outputs"
    return [
        (f"{base}[{index}].OutputName", row.get("OutputName"))
        for index, row in enumerate(rows)
        if isinstance(row, Mapping)
    ]


def _rows(
    out: Reporter, items: object, place: Place, keys: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[tuple[Mapping[str, str], Place]]:
    """Objects with ``keys``, whose values are strings, and their places; others are reported and skipped."""
    if not out.reader.wanted(items, list, place, "a list"):
        return []
    rows: list[tuple[Mapping[str, str], Place]] = []
    for index, item in enumerate(items):
        here = (place, index)
        if not isinstance(item, Mapping):
            out.report("SM122", here, f"expected an object, found {kind_of(item)}.")
            continue
        out.unknown_keys(item, frozenset(keys + optional), here, f"an entry of {place[1] if place else ''}")
        missing = [key for key in keys if item.get(key) is None]
        for key in missing:
            out.report("SM121", here, f'"{key}" is missing.', f'Add "{key}".')
        if not missing and _strings(out, item, keys, here):
            rows.append((item, here))
    return rows


def _strings(out: Reporter, item: Mapping[str, object], keys: tuple[str, ...], place: Place) -> bool:
    return sum(not out.reader.wanted(item[key], str, (place, key), "a string") for key in keys) == 0


def read_cache(out: Reporter, value: object, place: Place) -> CacheConfig | None:
    """``CacheConfig``."""
    if not out.reader.wanted(value, Mapping, place, "an object"):
        return None
    out.unknown_keys(value, CACHE_KEYS, place, "CacheConfig")
    enabled, expires = value.get("Enabled"), value.get("ExpireAfter")
    out.reader.wanted(enabled, bool, (place, "Enabled"), "true or false")
    if out.reader.wanted(expires, str, (place, "ExpireAfter"), "an ISO 8601 duration") and expires is not None:
        try:
            parse_duration(expires)
        except ValueError as error:
            what = str(error).removesuffix(HOW_TO_WRITE).rstrip()
            # The service ignores it if caching is off.
            out.report("SM122", (place, "ExpireAfter"), what, HOW_TO_WRITE, warn=enabled is not True)
    return CacheConfig(enabled is True, expires if isinstance(expires, str) else None)


def read_retries(out: Reporter, items: object, place: Place) -> tuple[Mapping[str, Any], ...]:
    """``RetryPolicies``, unchanged."""
    if not out.reader.wanted(items, list, place, "a list of retry policies"):
        return ()
    from .retry_policy import retry_policy

    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            out.report("SM122", (place, index), f"expected a retry policy, found {kind_of(item)}.")
        else:
            retry_policy(out, item, (place, index))
    return tuple(item for item in items if isinstance(item, Mapping))
