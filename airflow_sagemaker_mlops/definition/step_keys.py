"""Reads the keys, other than the arguments, that a step of any type may have, and reports malformed ones.

Each function gets the value, which may be anything, and its place; null counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from .expressions import kind_of
from .location import Place, place_text
from .model import (
    CacheConfig,
    Dependency,
    OutputParameter,
    PropertyFile,
    Step,
    Trigger,
)
from .problems import did_you_mean
from .step_types import syntax_of
from .values import HOW_TO_WRITE, PARAMETER_TYPES, parse_duration

if TYPE_CHECKING:
    from .report import Reporter

_LETTERS = re.compile(r"[A-Za-z0-9\-_]+")
# A step's name is its task id, which Airflow limits to 250 characters; its gate's id has 5 more.
LONGEST = {"step": 245, "parameter": 256}
LONGEST_AT_AWS = 64  # of a step; the AWS documentation contradicts itself about the longest parameter name
CACHE_KEYS = frozenset({"Enabled", "ExpireAfter"})
DEPENDENCY_KEYS = frozenset({"Step", "Trigger"})
TRIGGERS = ("Completed", "Failed", "Stopped", "Any")


def read_name(out: Reporter, name: object, place: Place, what: Literal["step", "parameter"]) -> bool:
    """Whether ``name`` is valid for the step or parameter at ``place``; reports it if not."""
    if name is None:
        out.report("SM121", place, f'this {what} has no "Name".', 'Add "Name".')
        return False
    here, most = (place, "Name"), LONGEST[what]
    fix = f"Use 1 to {most} letters, digits, dashes and underscores."
    if not isinstance(name, str):
        out.wanted(name, str, here, f"the name of a {what}")
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


def read_dependencies(out: Reporter, items: Any, place: Place) -> tuple[Dependency, ...]:
    """``DependsOn``: names, or a name with the trigger to wait for."""
    if not out.wanted(items, list, place, "a list of step names"):
        return ()
    read = []
    for index, item in enumerate(items):
        here = (place, index)
        step, trigger = (item.get("Step"), item.get("Trigger")) if isinstance(item, Mapping) else (item, None)
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
    keys = ("PropertyFileName", "OutputName", "FilePath")
    return tuple(PropertyFile(*(row[key] for key in keys)) for row, _ in _rows(out, items, place, keys))


def read_outputs(out: Reporter, items: object, place: Place) -> tuple[OutputParameter, ...]:
    """``OutputParameters``."""
    rows = _rows(out, items, place, ("OutputName",), optional=("OutputType",))
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
    out: Reporter, items: Any, place: Place, keys: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[tuple[Mapping[str, str], Place]]:
    """Objects with ``keys``, whose values are strings, and their places; others are reported and skipped."""
    if not out.wanted(items, list, place, "a list"):
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
    return sum(not out.wanted(item[key], str, (place, key), "a string") for key in keys) == 0


def read_cache(out: Reporter, value: Any, place: Place) -> CacheConfig | None:
    """``CacheConfig``."""
    if not out.wanted(value, Mapping, place, "an object"):
        return None
    out.unknown_keys(value, CACHE_KEYS, place, "CacheConfig")
    enabled, expires = value.get("Enabled"), value.get("ExpireAfter")
    out.wanted(enabled, bool, (place, "Enabled"), "true or false")
    if out.wanted(expires, str, (place, "ExpireAfter"), "an ISO 8601 duration") and expires is not None:
        try:
            parse_duration(expires)
        except ValueError as error:
            what = str(error).removesuffix(HOW_TO_WRITE).rstrip()
            # The service ignores it if caching is off.
            out.report("SM122", (place, "ExpireAfter"), what, HOW_TO_WRITE, warn=enabled is not True)
    return CacheConfig(enabled is True, expires if isinstance(expires, str) else None)


def read_retries(out: Reporter, items: Any, place: Place) -> tuple[Mapping[str, Any], ...]:
    """``RetryPolicies``, unchanged."""
    if not out.wanted(items, list, place, "a list of retry policies"):
        return ()
    from .retry_policy import retry_policy

    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            out.report("SM122", (place, index), f"expected a retry policy, found {kind_of(item)}.")
        else:
            retry_policy(out, item, (place, index))
    return tuple(item for item in items if isinstance(item, Mapping))
