"""Property paths: ``ModelArtifacts.S3ModelArtifacts``, ``Outputs['train'].S3Uri``, ``a.b[0]``.

Grammar (docs/language/property-paths.md#grammar)::

    path = member , { "." member | "[" index "]" | "['" key "']" }

A key may contain dots, colons and spaces, so a path is tokenised and never split.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .model import Key, PathPart

NATURAL_KEYS = (
    "OutputName",
    "InputName",
    "ChannelName",
    "MetricName",
    "VariantName",
    "ContainerHostname",
    "ParameterName",
    "Name",
    "Key",
)
_FANCY = re.compile(r"\*|\.\.|\[[^\[\]]*[:?@,(]")  # wildcard, recursive descent, slice, filter, union
_TOKEN = re.compile(r"\.?([^.\[\]'\"]+)|\[(\d{1,18})\]")


LONGEST_SHOWN = 200


class MissingValue(LookupError):
    """A path does not exist in a document; ``str()`` says which part is missing or null.

    owner, above   the container without the missing part, and the path to it; empty for the whole document
    """

    def __init__(self, what: str, owner: object = None, above: str = "") -> None:
        super().__init__(what)
        self.owner = owner
        self.above = above


def parse_path(text: str) -> tuple[PathPart, ...]:
    """The parts of ``text``.  Raises ``ValueError`` with a sentence for anything outside the grammar."""
    parts: list[PathPart] = []
    position = 0
    while position < len(text):
        quoted = _quoted(text, position)
        if quoted is not None:
            key, position = quoted
            parts.append(Key(key))
            continue
        match = _TOKEN.match(text, position)
        if match is None or (match[1] and parts and text[position] != "."):
            raise ValueError(
                f'"{_short(text)}" is not a property path: it cannot be parsed from "{_rest(text, position)}" on'
            )
        if match[1] and not parts and text[position] == ".":
            raise ValueError(f'"{_short(text)}" is not a property path: it begins with a dot')
        parts.append(match[1] or int(match[2]))
        position = match.end()
    if not parts:
        raise ValueError("the path is empty")
    return tuple(parts)


def _quoted(text: str, start: int) -> tuple[str, int] | None:
    """The key in ``['key']`` or ``["key"]`` at ``start``, and where the next part begins.

    A key may contain ``']`` if no part can begin after it: ``Environment['it's']``.
    """
    mark = text[start + 1 : start + 2]
    if text[start] != "[" or mark not in ("'", '"'):
        return None
    close = f"{mark}]"
    end = text.find(close, start + 2)
    while end >= 0 and text[end + 2 : end + 3] not in ("", ".", "["):
        end = text.find(close, end + 1)
    if end < 0 or "\n" in text[start:end]:
        return None
    return text[start + 2 : end], end + 2


def parse_json_path(text: str) -> tuple[PathPart, ...]:
    """The parts of a ``Std:JsonGet`` path: the same grammar, with an optional leading ``$`` or ``$.``.

    Wildcards, filters, slices and recursive descent are refused with a ``ValueError``: the service's dialect is not
    documented beyond dotted and bracket form.
    """
    body = text
    if body.startswith("$"):
        body = body[1:].removeprefix(".") if not body.startswith("$..") else body[1:]
    if not body:
        raise ValueError(f'"{_short(text)}" selects the whole file; name a value in it')
    if _FANCY.search(_without_keys(body)):
        raise ValueError(f'"{_short(text)}" uses wildcards, filters or slices, which Std:JsonGet does not support')
    return parse_path(body)


def _without_keys(text: str) -> str:
    """``text`` without its quoted keys, which may contain anything."""
    kept: list[str] = []
    position = 0
    while (start := text.find("[", position)) >= 0:
        quoted = _quoted(text, start)
        kept.append(text[position : start if quoted else start + 1])
        if quoted is None and text[start + 1 : start + 2] in ("'", '"'):  # unterminated, like any quote after it
            position = start + 1
            break
        position = quoted[1] if quoted else start + 1
    return "".join(kept) + text[position:]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _rest(text: str, position: int) -> str:
    return _short(text[position : position + LONGEST_SHOWN + 1])


def format_path(parts: Iterable[PathPart]) -> str:
    """The text of ``parts``; the inverse of :func:`parse_path`."""
    text = ""
    for part in parts:
        match part:
            case Key(name=name):
                text += f"['{name}']" if "']" not in name else f'["{name}"]'
            case int():
                text += f"[{part}]"
            case _:
                text += f".{part}" if text else part
    return text


def lookup(document: object, parts: Iterable[PathPart]) -> Any:
    """The value at ``parts``; null counts as missing.  Raises :class:`MissingValue`."""
    value = document
    walked: list[PathPart] = []
    for part in parts:
        walked.append(part)
        owner, value = value, _step(value, part)
        if value is None:
            if _is_null(owner, part):
                raise MissingValue(f"{format_path(walked)} is null", owner, format_path(walked[:-1]))
            what = f"there is no {format_path(walked)}{_names_there(owner, walked)}"
            raise MissingValue(what, owner, format_path(walked[:-1]))
    return value


def _names_there(owner: object, walked: list[PathPart]) -> str:
    """The available alternatives: the length of a list, or the names of its items or of a map's keys."""
    if len(walked) < 2:
        return ""
    if isinstance(owner, list) and isinstance(walked[-1], int):
        return f", {format_path(walked[:-1])} has {len(owner)} item{'' if len(owner) == 1 else 's'}"
    rows: Iterable[Any] = owner if isinstance(owner, list) else ()
    keys = [next((row[key] for key in NATURAL_KEYS if row.get(key)), "") for row in rows if isinstance(row, Mapping)]
    if isinstance(owner, Mapping) and isinstance(walked[-1], Key):
        keys = list(owner)
    names = [f'"{key}"' for key in keys if key][:8]
    return f", {format_path(walked[:-1])} has {', '.join(names)}" if names else ""


def _is_null(owner: object, part: PathPart) -> bool:
    if isinstance(owner, Mapping):
        return (part.name if isinstance(part, Key) else part) in owner
    return isinstance(owner, list) and isinstance(part, int) and part < len(owner)


def _step(value: object, part: PathPart) -> Any:
    match part:
        case int():
            return value[part] if isinstance(value, list) and part < len(value) else None
        case Key(name=name):
            if isinstance(value, Mapping):
                return value.get(name)
            return _named(value, name) if isinstance(value, list) else None
        case _:
            return value.get(part) if isinstance(value, Mapping) else None


def _named(items: list[Any], name: str) -> Any:
    """The list item with the natural key ``name``, e.g. an output by its ``OutputName``."""
    for item in items:
        if isinstance(item, Mapping) and any(item.get(key) == name for key in NATURAL_KEYS):
            return item
    return None


def select(document: object, paths: Iterable[str]) -> dict[str, Any]:
    """A copy of ``document`` that has only ``paths``, such that :func:`lookup` returns the same for them.

    Nulls keep positions in lists; named items keep their natural key.  For a path that does not exist, its existing
    part is kept, empty except for names, so that :func:`lookup` raises the same error.
    """
    chosen: dict[str, Any] = {}
    lost: list[tuple[PathPart, ...]] = []
    for text in paths:
        parts = parse_path(text)
        try:
            lookup(document, parts)
        except MissingValue:
            lost.append(parts)
        else:
            _copy(document, chosen, parts)
    for parts in lost:
        _outline(document, chosen, parts)
    return chosen


MAX_NAMES = 50  # list items in an outline


def _outline(source: object, target: object, parts: tuple[PathPart, ...]) -> None:
    """Add the existing part of ``parts`` to ``target``: containers, and the names in the last one."""
    for part in parts:
        if target is None:
            return
        inner = _step(source, part)
        if inner is None:
            _add_names(source, target, part)
            return
        if not isinstance(inner, Mapping | list):
            _copy(source, target, (part,))
            return
        if _step(target, part) is None:
            _copy(source, target, (part,))
            _replace(target, source, part, _like(inner))
        source, target = inner, _step(target, part)


def _replace(target: Any, source: Any, part: PathPart, value: Any) -> None:
    if isinstance(target, list):
        index = (
            part if isinstance(part, int) else next(i for i, item in enumerate(source) if item is _step(source, part))
        )
        target[index] = value
    else:
        target[part.name if isinstance(part, Key) else part] = value


def _add_names(source: Any, target: Any, part: PathPart) -> None:
    if isinstance(source, list):
        for index, item in enumerate(source[:MAX_NAMES]):
            if index == len(target):
                target.append(None)
            if target[index] is None:
                target[index] = _like(item) if isinstance(item, Mapping) else {}


def _copy(source: Any, target: Any, parts: tuple[PathPart, ...]) -> None:
    part, rest = parts[0], parts[1:]
    value = _step(source, part)
    if isinstance(source, list):
        index = part if isinstance(part, int) else next(i for i, item in enumerate(source) if item is value)
        target.extend([None] * (index + 1 - len(target)))
        if not rest:
            target[index] = value
            return
        if target[index] is None:
            target[index] = _like(value)
        _copy(value, target[index], rest)
        return
    name = part.name if isinstance(part, Key) else str(part)
    if not rest:
        target[name] = value
        return
    if target.get(name) is None:
        target[name] = _like(value)
    _copy(value, target[name], rest)


def _like(value: Any) -> Any:
    """An empty container of the same kind as ``value``, with the keys that name it."""
    if isinstance(value, list):
        return []
    return {key: value[key] for key in NATURAL_KEYS if key in value and isinstance(value[key], str)}
