"""Schemas of step-level keys: those of one step type, such as the rules of a champion gate."""

from __future__ import annotations

from collections.abc import Mapping

from ...definition.champion_gate import CHAMPION_KEYS, NO_CHAMPION
from ...definition.drift_check import NO_BASELINE
from ...definition.parse import FLAGS
from ...definition.step_types import CHAMPION_GATE, StepSyntax
from ...definition.verdict_job import FOLDER, JOB_KEYS
from ...definition.verdict_kinds import VERDICT_KINDS
from ...definition.verdict_step import SOURCE_KEYS
from ...drift.rules import CHECKS, CheckTraits, keys_of
from ...drift.settings import COLUMN_KEYS, COLUMN_LISTS
from ...gate.rule_reader import KEYS as RULE_KEYS
from ...gate.rules import IMPROVE, MAXIMIZE, METRICS, MINIMIZE, NOT_WORSEN, ROWS
from ..model import StepType
from . import words
from .arguments import STEPS
from .values import (
    ARRAY,
    EXPRESSION,
    OBJECT,
    SCALAR,
    STRING,
    TRUTH,
    Schema,
    absent_or,
    either,
    members,
    one_of,
    or_expression,
)

EXPECTED = tuple(words.EXPECT)
_DOTTED = "^[^.\\s]+(\\.[^.\\s]+)+$"


def settings_of(entry: StepType) -> Schema:
    """``properties`` and ``required`` of the keys that only steps of the type have."""
    kind, syntax = entry.name, entry.syntax
    own = syntax.settings | syntax.branches
    schemas = _verdict_settings(kind) if kind in VERDICT_KINDS else _plain_settings(syntax)
    schemas |= dict.fromkeys(syntax.branches, STEPS)
    found = {key: {"description": text, **schemas.get(key, {})} for key, text in entry.words.items() if key in own}
    needed = [key for key in found if key == syntax.needs or key in _needed_for_a_verdict(kind)]
    return {"properties": found, "required": needed}


def _plain_settings(syntax: StepSyntax) -> dict[str, Schema]:
    schemas: dict[str, Schema] = {key: TRUTH if key in FLAGS else SCALAR for key in syntax.settings}
    schemas = {key: absent_or(schema) if key in FLAGS else schema for key, schema in schemas.items()}
    for key in syntax.object_settings:
        schemas[key] = absent_or({**OBJECT, "properties": members(words.EXPECT, EXPECTED, {})})
    if syntax.choices:
        schemas[syntax.needs] = one_of(syntax.choices)
    elif syntax.needs:
        schemas[syntax.needs] = or_expression({"type": ["string", "number", "boolean"]})
    if syntax.needs == "Operator":
        schemas["Operator"] = {"type": "string", "pattern": _DOTTED}
    return schemas


# -- steps with a verdict -------------------------------------------------------------------------------------------

_OUTPUT: Schema = {
    **OBJECT,
    "properties": members(words.SOURCE, SOURCE_KEYS, dict.fromkeys(SOURCE_KEYS, STRING)),
    "required": list(SOURCE_KEYS),
}
_JOB = absent_or({**OBJECT, "properties": members(words.JOB, (*JOB_KEYS, FOLDER), {})})
_NUMBER = or_expression({"type": ["number", "string"]})
_FLAG = or_expression({"type": "boolean"})


def _needed_for_a_verdict(kind: str) -> set[str]:
    if kind not in VERDICT_KINDS:
        return set()
    sources = {key for key, source in VERDICT_KINDS[kind].sources.items() if source.needed}
    return sources | ({"Champion", "Rules"} if kind == CHAMPION_GATE else set())


def _verdict_settings(kind: str) -> dict[str, Schema]:
    found: dict[str, Schema] = {"Job": _JOB}
    for key, source in VERDICT_KINDS[kind].sources.items():
        schema = either(_OUTPUT, {"type": "string"}, EXPRESSION) if source.anywhere else _OUTPUT
        found[key] = schema if source.needed else absent_or(schema)
    if kind == CHAMPION_GATE:
        champion = members(words.CHAMPION, CHAMPION_KEYS, {})
        rules = {**ARRAY, "minItems": 1, "items": either({"$ref": "#/$defs/gateRule"}, EXPRESSION)}
        found |= {
            "Champion": {**OBJECT, "properties": champion, "required": ["ModelPackageGroup"]},
            "NoChampion": absent_or(or_expression(one_of(NO_CHAMPION))),
            "Rules": rules,
        }
    else:
        found |= {
            "Columns": absent_or(either({"$ref": "#/$defs/driftColumns"}, EXPRESSION)),
            "FailOnDrift": absent_or(TRUTH),
            "NoBaseline": absent_or(or_expression(one_of(NO_BASELINE))),
            "Rules": absent_or(
                {**ARRAY, "minItems": 1, "items": either({"$ref": "#/$defs/driftRule"}, EXPRESSION)},
            ),
        }
    return found


def rule_definitions() -> dict[str, Schema]:
    """Rules of gates and drift checks, and descriptions of columns, for ``$defs``; unknown keys are errors there."""
    texts = or_expression({"type": "array"})
    gate = members(
        words.GATE_RULE,
        RULE_KEYS,
        {
            "Metric": either({"type": "string", "examples": list(METRICS)}, EXPRESSION),
            "Goal": or_expression(one_of((MAXIMIZE, MINIMIZE))),
            "Must": or_expression(one_of((IMPROVE, NOT_WORSEN))),
            "Compare": or_expression(one_of((ROWS,))),
            "Cost": or_expression(OBJECT),
            "Values": texts,
            "DryRun": _FLAG,
            **dict.fromkeys(("By", "Confidence", "MinRecords", "Threshold"), _NUMBER),
            **dict.fromkeys(("Floor", "Ceiling", "AlarmAbove", "AlarmBelow"), _NUMBER),
            **dict.fromkeys(("Slice", "Unit"), or_expression(STRING)),
        },
    )
    columns = members(
        words.COLUMNS,
        COLUMN_KEYS,
        {"Label": or_expression(STRING), "Header": _FLAG, **dict.fromkeys(COLUMN_LISTS, texts)},
    )
    return {
        "gateRule": {**OBJECT, "properties": gate, "required": ["Metric"], "additionalProperties": False},
        "driftRule": _drift_rule(),
        "driftColumns": {**OBJECT, "properties": columns, "additionalProperties": False},
    }


def _drift_rule() -> Schema:
    keys = {check: keys_of(check) for check in CHECKS}
    texts = or_expression({"type": "array"})
    properties = members(
        words.DRIFT_RULE,
        {key for known in keys.values() for key in known},
        {
            "Check": or_expression(one_of(CHECKS)),
            "DryRun": _FLAG,
            **dict.fromkeys(("Columns", "Ignore"), texts),
            **dict.fromkeys({"Min", "Max", *_limits(CHECKS)}, _NUMBER),
        },
    )
    closed = [
        {
            "if": {"properties": {"Check": {"const": check}}, "required": ["Check"]},
            "then": {"propertyNames": {"enum": list(known)}},
        }
        for check, known in keys.items()
    ]
    return {**OBJECT, "properties": properties, "required": ["Check"], "allOf": closed}


def _limits(checks: Mapping[str, CheckTraits]) -> list[str]:
    return sorted({traits.key for traits in checks.values() if traits.key})
