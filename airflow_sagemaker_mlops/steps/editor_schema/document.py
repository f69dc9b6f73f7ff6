"""The whole schema: ``python -m airflow_sagemaker_mlops.steps.editor_schema.document`` prints it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from ...definition.conditions import BINARY, TYPES
from ...definition.conditions import KEYS as CONDITION_KEYS
from ...definition.keys import (
    CACHE_KEYS,
    DEPENDENCY_KEYS,
    LONGEST,
    OUTPUT_KEYS,
    PARAMETER_KEYS,
    PROPERTY_FILE_KEYS,
    TRIGGERS,
)
from ...definition.parse import AIRFLOW_KEYS, BLOCK_KEYS, COMMON_KEYS, TOP_KEYS, VERSION
from ...definition.retry_policy import RETRY_CAUSES, RETRY_KEYS, RETRY_RANGES
from ...definition.step_types import VERDICT_BRANCHES
from ...definition.values import PARAMETER_TYPES
from ...definition.verdict_kinds import VERDICT_KINDS
from ..catalogue import STEP_TYPES
from ..control import AIRFLOW_OPERATOR
from ..model import StepType
from . import words
from .arguments import arguments_of, own_keys
from .settings import rule_definitions, settings_of
from .values import (
    ARRAY,
    OBJECT,
    SCALAR,
    STRING,
    Schema,
    absent_or,
    definitions,
    either,
    members,
    one_of,
    one_unless_empty,
)

ABOUT = (
    "A definition of SageMaker Pipelines as airflow-sagemaker-mlops reads it, from a JSON or a YAML file. "
    "`sagemaker-mlops check` finds more than a schema can."
)
_TEXT = absent_or(STRING)
_NAME = "^[A-Za-z0-9_-]+$"


def schema() -> Schema:
    """The schema, from the tables as they are now.  Raises ``ValueError`` for a key that nothing describes."""
    entries = [*STEP_TYPES.values(), AIRFLOW_OPERATOR]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SageMaker pipeline definition",
        "description": ABOUT,
        "type": "object",
        "properties": members(words.DOCUMENT, TOP_KEYS, _document()),
        "required": ["Steps"],
        "$defs": {
            **definitions(),
            "parameter": _parameter(),
            "retryPolicy": _retry_policy(),
            "condition": _condition(),
            **rule_definitions(),
            "step": _step(entries),
            "bodyStep": {
                "$ref": "#/$defs/step",
                "properties": {"Type": one_of(entry.name for entry in entries if entry.syntax.in_body)},
            },
            **{entry.name: _step_type(entry) for entry in entries},
        },
    }


def text() -> str:
    """The schema as JSON, the same bytes for the same tables: a line for each of the larger parts."""
    whole = schema()
    parts = whole.pop("$defs")
    lines = [f"  {json.dumps(key)}: {_line(value)}," for key, value in whole.items()]
    defs = ",\n".join(f"    {json.dumps(key)}: {_line(value)}" for key, value in parts.items())
    return "\n".join(["{", *lines, '  "$defs": {', defs, "  }", "}", ""])


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _document() -> dict[str, Schema]:
    blocks = {
        name: absent_or({**OBJECT, "properties": members(words.BLOCKS[name], keys, dict.fromkeys(keys, SCALAR))})
        for name, keys in BLOCK_KEYS.items()
    }
    return {
        "Version": absent_or(one_of([VERSION])),
        "Metadata": absent_or(OBJECT),
        "Parameters": absent_or({**ARRAY, "items": {"$ref": "#/$defs/parameter"}}),
        "Steps": {**ARRAY, "items": {"$ref": "#/$defs/step"}},
        "x-airflow": absent_or({**OBJECT, "properties": members(words.AIRFLOW_BLOCK, AIRFLOW_KEYS, {})}),
        **blocks,
    }


def _parameter() -> Schema:
    scalars = {
        "Name": {**STRING, "pattern": _NAME, "maxLength": LONGEST["parameter"]},
        "Type": one_unless_empty(PARAMETER_TYPES),
        "DefaultValue": {"type": ["string", "number", "boolean", "null"]},
        "EnumValues": absent_or(ARRAY),
        "Description": _TEXT,
    }
    other = [kind for kind in PARAMETER_TYPES if kind != "String"]
    text_only = {"DefaultValue": _TEXT, "EnumValues": absent_or({**ARRAY, "items": STRING})}
    return {
        **OBJECT,
        "properties": members(words.PARAMETER, PARAMETER_KEYS, scalars),
        "required": ["Name"],
        "if": {"properties": {"Type": one_of(other)}, "required": ["Type"]},
        "else": {"properties": text_only},
    }


def _retry_policy() -> Schema:
    causes = one_of(RETRY_CAUSES)
    numbers = {
        key: absent_or({"type": "number", "minimum": 0, **({"maximum": high} if high != float("inf") else {})})
        for key, (_, high) in RETRY_RANGES.items()
    }
    both = ["MaxAttempts", "ExpireAfterMin"]
    return {
        **OBJECT,
        "properties": members(
            words.RETRY_POLICY,
            RETRY_KEYS,
            {"ExceptionType": either(causes, {**ARRAY, "minItems": 1, "items": causes}), **numbers},
        ),
        "required": ["ExceptionType"],
        "not": {"required": both, "properties": {key: {"not": {"type": "null"}} for key in both}},
    }


def _condition() -> Schema:
    keys = frozenset(key for known in CONDITION_KEYS.values() for key in known)
    nested = {"$ref": "#/$defs/condition"}
    lists = {"Values": {**ARRAY, "items": SCALAR}}
    spelled = {"In": {**ARRAY, "items": SCALAR}}
    membership = {
        "anyOf": [{"required": ["QueryValue"]}, {"required": ["Value"]}],
        "if": {"required": ["Values"]},
        "then": {"properties": lists},
        "else": {"properties": spelled, "required": ["In"]},
    }
    two = {"properties": {"LeftValue": SCALAR, "RightValue": SCALAR}, "required": ["LeftValue", "RightValue"]}
    rules = [
        _if_type(BINARY, two),
        _if_type(("In", "NotIn"), membership),
        _if_type(("Not",), {"properties": {"Condition": nested}, "required": ["Condition"]}),
        _if_type(("Or",), {"properties": {"Conditions": {**ARRAY, "items": nested}}, "required": ["Conditions"]}),
    ]
    properties = members(words.CONDITION, keys, {"Type": one_of(TYPES)})
    return {**OBJECT, "properties": properties, "required": ["Type"], "allOf": rules}


def _if_type(kinds: Iterable[str], then: Schema) -> Schema:
    return {"if": {"properties": {"Type": one_of(kinds)}, "required": ["Type"]}, "then": then}


# -- steps -----------------------------------------------------------------------------------------------------------


def _step(entries: list[StepType]) -> Schema:
    return {
        **OBJECT,
        "properties": members(words.STEP, COMMON_KEYS, _common(entries)),
        "required": ["Name", "Type"],
        "allOf": [_if_type([entry.name], {"$ref": f"#/$defs/{entry.name}"}) for entry in entries],
    }


def _common(entries: list[StepType]) -> dict[str, Schema]:
    triggers = absent_or(one_of(TRIGGERS))
    dependency = {
        **OBJECT,
        "properties": members(words.DEPENDENCY, DEPENDENCY_KEYS, {"Step": STRING, "Trigger": triggers}),
        "required": ["Step"],
    }
    return {
        "Name": {**STRING, "pattern": _NAME, "maxLength": LONGEST["step"]},
        "Type": {
            **one_of(entry.name for entry in entries),
            "enumDescriptions": [entry.about for entry in entries],
        },
        "Arguments": absent_or(OBJECT),
        "DependsOn": absent_or({**ARRAY, "items": either(STRING, dependency)}),
        "DisplayName": _TEXT,
        "Description": _TEXT,
        "RetryPolicies": absent_or({**ARRAY, "items": {"$ref": "#/$defs/retryPolicy"}}),
        "CacheConfig": absent_or(
            {
                **OBJECT,
                "properties": members(
                    words.CACHE, CACHE_KEYS, {"Enabled": {"type": ["boolean", "null"]}, "ExpireAfter": _TEXT}
                ),
            }
        ),
        "PropertyFiles": absent_or(
            {**ARRAY, "items": _row(words.PROPERTY_FILE, PROPERTY_FILE_KEYS, dict.fromkeys(PROPERTY_FILE_KEYS, STRING))}
        ),
        "OutputParameters": absent_or(
            {
                **ARRAY,
                "items": _row(
                    words.OUTPUT, OUTPUT_KEYS, {"OutputName": STRING, "OutputType": one_unless_empty(PARAMETER_TYPES)}
                ),
            }
        ),
        "x-airflow": absent_or(OBJECT),
    }


def _row(described: dict[str, str], keys: tuple[str, ...], schemas: dict[str, Schema]) -> Schema:
    needed = [key for key in keys if key != "OutputType"]
    return {**OBJECT, "properties": members(described, keys, schemas), "required": needed}


def _step_type(entry: StepType) -> Schema:
    odd = entry.words.keys() ^ (entry.syntax.settings | entry.syntax.branches | own_keys(entry))
    if odd:
        raise ValueError(f"Described and known keys of {entry.name} differ: {', '.join(sorted(odd))}.")
    settings = settings_of(entry)
    properties, required = settings["properties"], settings["required"]
    if entry.name in VERDICT_BRANCHES:
        for key, way_out in VERDICT_KINDS[entry.name].not_taken.items():
            properties[key] = {"type": "null", "description": f"Not for this type. {way_out.format(name='NAME')}"}
    else:
        properties = {"Arguments": arguments_of(entry), **properties}
        if not entry.syntax.free_arguments:
            properties["Arguments"] = {**OBJECT, **properties["Arguments"]}
            required = ["Arguments", *required]
    found: Schema = {"description": entry.about, "properties": properties}
    return {**found, "required": required} if required else found


if __name__ == "__main__":
    sys.stdout.write(text())
