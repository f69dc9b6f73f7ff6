"""Schemas of ``Arguments``: the members of a type's API request, or the arguments that the language itself has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...definition.arguments import CLEANUP_KEYS, LINEAGE_KEYS
from ...definition.champion_arguments import DECISIONS, NEEDED
from ...definition.emr_arguments import EMR_KEYS, SERVERLESS_KEYS
from ...definition.foreach_arguments import LOOP_KEYS, MAX_AT_A_TIME, PICKS
from ..catalogue import STEP_TYPES
from ..model import StepType
from ..requests import LOOSE_PREFIXES
from ..shapes import SCALARS, operation_input
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
    one_of,
    or_expression,
)

STEPS: Schema = absent_or({"type": "array", "items": {"$ref": "#/$defs/step"}})
_REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_{}.html"
_OWN_KEYS = {
    "Cleanup": CLEANUP_KEYS,
    "EMR": EMR_KEYS,
    "EMRServerless": SERVERLESS_KEYS,
    "ForEach": LOOP_KEYS,
    "Lineage": LINEAGE_KEYS,
}


def arguments_of(entry: StepType) -> Schema:
    """The schema of ``Arguments`` of a step type; an empty one if they are the user's own data."""
    if entry.syntax.free_arguments:
        return {"description": "The user's own data."}
    if entry.arguments_are_request:
        return _request(entry)
    keys = own_keys(entry)
    return _own(entry, keys) if keys else {}


def own_keys(entry: StepType) -> frozenset[str]:
    """The keys of ``Arguments`` that the language itself has; none if they are a request or the user's own data."""
    if entry.syntax.free_arguments or entry.arguments_are_request:
        return frozenset()
    return entry.syntax.arguments or _OWN_KEYS.get(entry.name, frozenset())


def _request(entry: StepType) -> Schema:
    shape = operation_input(entry.service, entry.create)
    shapes = dict(shape.members)
    for key in sorted(entry.update_only):
        shapes[key] = operation_input(entry.service, entry.update).members[key]
    kept = entry.prepare(dict.fromkeys(shapes, "x"))  # what the service would not get is not checked either
    found: dict[str, Schema] = {}
    for name, member in shapes.items():
        key = name[:1].upper() + name[1:] if entry.camel else name
        loose = name not in kept or key.startswith(LOOSE_PREFIXES) or getattr(member, "is_document_type", False)
        found[key] = {} if loose else _of_shape(member.type_name)
    needed = [key for key in shape.required_members if key not in entry.supplied and key != entry.name_key]
    about = f"The request of {entry.create}."
    about += f" AWS requires {', '.join(needed)}." if needed else ""
    about += f" {_REFERENCE.format(entry.create)}" if entry.service == "sagemaker" else ""
    return {"description": about, "properties": found}


def _of_shape(kind: str) -> Schema:
    if kind in SCALARS:
        return SCALAR
    return absent_or(ARRAY if kind == "list" else OBJECT)


def _own(entry: StepType, keys: frozenset[str]) -> Schema:
    rules = _RULES.get(entry.name, {})
    schemas = rules.get("properties", {})
    described = {key: {"description": text, **schemas.get(key, {})} for key, text in entry.words.items() if key in keys}
    return {**rules, "properties": described}


def _closed(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _list_of(schema: Schema) -> Schema:
    return absent_or({"type": "array", "items": schema})


_END = _closed({"Arn": {}, "Name": {}, "Type": {}})
_ASSOCIATION = _closed({"Source": _END, "Destination": _END, "AssociationType": {}}, ("Source", "Destination"))
_CLEANED = _closed(
    {"StepName": STRING, "S3Uris": absent_or(or_expression(ARRAY))},
    ("StepName",),
)
_FIELD = {"type": "object", "properties": {"Get": {"type": "string", "pattern": "^IterationOutput\\."}}}
_SELECTOR = _closed(
    {"Pick": one_of(PICKS), "Field": either({**_FIELD, "required": ["Get"]}, STRING)}, ("Pick", "Field")
)
_TEXT = or_expression({"type": ["string", "null"]})
_SECONDS = or_expression({"type": ["integer", "string", "null"], "minimum": 1})


def _exactly_one(first: str, second: str) -> Schema:
    given = {"not": {"type": "null"}}
    return {"oneOf": [{"required": [key], "properties": {key: given}} for key in (first, second)]}


def _champion_rules(kind: str) -> Schema:
    keys = STEP_TYPES[kind].syntax.arguments or ()
    schemas = dict.fromkeys(keys, _TEXT)
    for key, schema in (
        ("GroupMayBeMissing", absent_or(TRUTH)),
        ("AssignedUsers", absent_or(or_expression(ARRAY))),
        ("TimeoutInSeconds", _SECONDS),
        ("Default", absent_or(or_expression(one_of(DECISIONS)))),
    ):
        if key in schemas:
            schemas[key] = schema
    for key in NEEDED[kind]:
        schemas[key] = or_expression(STRING)
    return {"properties": schemas, "required": list(NEEDED[kind])}


_RULES: Mapping[str, Schema] = {
    "Condition": {
        "properties": {
            "Conditions": {"type": "array", "items": {"$ref": "#/$defs/condition"}},
            "IfSteps": STEPS,
            "ElseSteps": STEPS,
        },
        "required": ["Conditions"],
    },
    "Fail": {"properties": {"ErrorMessage": SCALAR}},
    "ForEach": {
        "properties": {
            "IterableItems": either(ARRAY, EXPRESSION, {"$ref": "#/$defs/tagged"}),
            "MaxConcurrency": or_expression({"type": "integer", "minimum": 1, "maximum": MAX_AT_A_TIME}),
            "Selector": absent_or(_SELECTOR),
            "ForEachBody": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/bodyStep"}},
        },
        "required": ["IterableItems", "MaxConcurrency", "ForEachBody"],
    },
    "Cleanup": {"properties": {"Resources": absent_or(_closed({"S3": _list_of(_CLEANED)}))}},
    "Lineage": {"properties": {"Associations": _list_of(_ASSOCIATION)}},
    "EMR": {
        "properties": {"StepConfig": _closed({"HadoopJarStep": {"not": {"type": "null"}}}, ("HadoopJarStep",))},
        "required": ["StepConfig"],
        **_exactly_one("ClusterId", "ClusterConfig"),
    },
    "EMRServerless": {
        "properties": {"JobConfig": OBJECT},
        "required": ["JobConfig"],
        **_exactly_one("ApplicationId", "ApplicationConfig"),
    },
    "x-smoke-test": {"required": ["EndpointName", "Records"]},
    **{kind: _champion_rules(kind) for kind in NEEDED},
}
