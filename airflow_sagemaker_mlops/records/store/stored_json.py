"""What was stored, read back: strictly, within bounds, and of the shape that its schema says.

Whoever may write the records may write anything, with the right hash too; a reader answers in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...definition.location import Place, place_text
from ...definition.read.strict_json import read_json

MOST_BYTES = 64_000_000  # a record of 1,000 steps has 5 MB
MOST_DEPTH = 400  # a request is as deep as its definition may be, and stands some levels down in its record
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def read_stored(data: bytes) -> Any:
    """The JSON in ``data``.  Raises :class:`NotJson`, a ``ValueError``."""
    return read_json(data, most_bytes=MOST_BYTES, most_depth=MOST_DEPTH)


def misfit(value: Any, schema: Mapping[str, Any], *, complete: bool = True) -> str:
    """The first place where ``value`` is not of the types that ``schema`` says, and how; empty when it fits.

    Of JSON Schema this knows types, properties, required members, items, words and references within the schema, which
    is what a reader relies on.  Members that the schema does not know are a later version's.

    complete   whether required members have to be there, as in a document of this very version
    """
    definitions = schema.get("$defs") or {}
    return next(_misfits(value, schema, None, definitions, complete), "")


def _misfits(value: Any, schema: Any, place: Place, definitions: Any, complete: bool) -> Iterator[str]:
    while isinstance(schema, Mapping) and "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if not isinstance(schema, Mapping):
        return
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
    if isinstance(value, Mapping):
        missing = [key for key in schema.get("required", ()) if key not in value] if complete else []
        if missing:
            yield f'{place_text(place)} has no "{missing[0]}"'
        known, other = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, item in value.items():
            yield from _misfits(item, known.get(key, other), (place, key), definitions, complete)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misfits(item, schema.get("items"), (place, index), definitions, complete)


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
