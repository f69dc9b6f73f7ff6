"""Schemas of values: null counts as absent, and most places take an expression.

Editors see a YAML definition without its short tags: a ``!Get`` or a ``!Sub`` is its text, a ``!Join`` a list of two, a
``!JsonGet`` an object.  So a place that takes an expression takes those, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...definition.expressions import JSON_GET_KEYS, ROOTS

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
EXPRESSION: Schema = {"$ref": "#/$defs/expression"}
SCALAR: Schema = {"$ref": "#/$defs/scalar"}
OBJECT: Schema = {"type": "object"}
ARRAY: Schema = {"type": "array"}
_GET = f"^({'|'.join(ROOTS)})\\.[^.\\[]"


def absent_or(schema: Schema) -> Schema:
    """``schema``, or null."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    kind = schema["type"]
    return {**schema, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}


def either(*schemas: Schema) -> Schema:
    """Any of ``schemas``."""
    return {"anyOf": list(schemas)}


def one_of(choices: Iterable[str]) -> Schema:
    """A literal."""
    return {"enum": list(choices)}


def or_expression(schema: Schema) -> Schema:
    """``schema``, or an expression in either form."""
    return either(schema, EXPRESSION, {"$ref": "#/$defs/tagged"})


def one_unless_empty(choices: Iterable[str]) -> Schema:
    """A literal; whatever is empty, false or zero counts as absent."""
    return either(one_of(choices), {"not": {"type": "string", "minLength": 1}})


_TRUE_OR_FALSE = "^\\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\\s*$"
TRUTH = or_expression(either({"type": "boolean"}, {"type": "string", "pattern": _TRUE_OR_FALSE}))


def members(words: Mapping[str, str], keys: Iterable[str], schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """``properties`` of an object with ``keys``, in the order of ``words``.  Raises ``ValueError`` if they differ.

    :param keys: the language's own table
    :param schemas: of those keys that do not take any value
    """
    wanted = frozenset(keys)
    odd = (wanted ^ words.keys()) | (schemas.keys() - wanted)
    if odd:
        raise ValueError(f"Described and known keys differ: {', '.join(sorted(odd))}.")
    return {key: {"description": text, **schemas.get(key, {})} for key, text in words.items()}


def definitions() -> dict[str, Schema]:
    """Expressions and scalars, for ``$defs``."""
    path = {"Path": {"description": "Path in the file, such as metrics.auc.value.", **STRING}}
    file = {"PropertyFile": {"description": "The file: {Get: Steps.STEP.PropertyFiles.NAME}."}}
    uri = {"S3Uri": {"description": "S3 URI of the file, instead of PropertyFile."}}
    json_get = members(
        {key: value["description"] for key, value in (file | uri | path).items()}, JSON_GET_KEYS, {"Path": STRING}
    )
    return {
        "expression": {
            "description": "A value that is known when the step runs.",
            **either(
                _marked("Get", {"type": "string", "pattern": _GET}),
                _marked(
                    "Std:Join",
                    {
                        "type": "object",
                        "properties": {
                            "On": {"description": "Separator.", "type": ["string", "null"]},
                            "Values": {"description": "Scalars and expressions.", "type": "array", "items": SCALAR},
                        },
                        "required": ["Values"],
                        "additionalProperties": False,
                    },
                ),
                _marked("Std:JsonGet", {"type": "object", "properties": json_get, "required": ["Path"]}),
            ),
        },
        "tagged": {
            "description": "A value with one of the tags !Get, !Sub, !Join and !JsonGet.",
            **either(
                {"type": "string", "pattern": f"^({'|'.join(ROOTS)})\\.|\\$\\{{"},
                {"type": "array", "prefixItems": [STRING, ARRAY], "minItems": 2, "maxItems": 2},
                {"type": "object", "properties": json_get, "required": ["Path"]},
            ),
        },
        "scalar": or_expression({"type": ["string", "number", "boolean", "null"]}),
    }


def _marked(mark: str, body: Schema) -> Schema:
    return {"type": "object", "properties": {mark: body}, "required": [mark], "additionalProperties": False}
