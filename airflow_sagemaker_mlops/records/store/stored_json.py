"""Reads stored JSON: strictly, within bounds, and with a check against its schema.

Anybody with write access to the records can store anything, even with a correct hash; readers must answer that with a
sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...definition.problems import Place, place_text
from ...definition.read.strict_json import read_json

MAX_BYTES = 64_000_000  # a record of 1,000 steps takes 5 MB
MAX_DEPTH = 400  # a request is as deep as its definition may be, plus its own level in the record
Schema = Mapping[str, Any]  # a JSON Schema
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def read_stored(data: bytes) -> Any:
    """The JSON in ``data``.  Raises :class:`NotJson`, a ``ValueError``."""
    return read_json(data, most_bytes=MAX_BYTES, most_depth=MAX_DEPTH)


def misfit(value: object, schema: Schema, *, complete: bool = True) -> str:
    """The first place where ``value`` violates ``schema``, as a phrase; "" if it conforms.

    Supports the parts of JSON Schema that readers rely on: types, properties, required members, items, enums and local
    references.  Unknown members are allowed: a later version may have them.

    complete   whether required members must be present, as in a document of the current version
    """
    definitions = schema.get("$defs") or {}
    return next(_misfits(value, schema, None, definitions, complete), "")


def _misfits(
    value: object, schema: Schema, place: Place, definitions: Mapping[str, Schema], complete: bool
) -> Iterator[str]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        found = [next(_misfits(value, one, place, definitions, complete), "") for one in schema["anyOf"]]
        if all(found):
            yield found[0]
        return
    names = schema.get("type", ())
    names = [names] if isinstance(names, str) else names
    if names and not any(_is(value, name) for name in names):
        yield f"{place_text(place)} is no {' or '.join(names)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place_text(place)} is none of {', '.join(map(str, schema['enum']))}"
    if isinstance(value, dict):
        missing = [key for key in schema.get("required", ()) if key not in value] if complete else []
        if missing:
            yield f'{place_text(place)} has no "{missing[0]}"'
        known, other = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, item in value.items():
            if isinstance(expected := known.get(key, other), dict):
                yield from _misfits(item, expected, (place, key), definitions, complete)
    elif isinstance(value, list) and isinstance(expected := schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _misfits(item, expected, (place, index), definitions, complete)


def _is(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
