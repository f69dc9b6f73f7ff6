"""Two JSON values -> their differences, with old and new values in readable form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

MAX_SHOWN = 80
NOTHING = "(nothing)"
NAMES = ("InputName", "ChannelName", "OutputName", "Name", "RuleConfigurationName", "Key", "DefinitionName")
_ABSENT = object()


def changes(old: object, new: object, place: str = "") -> Iterator[tuple[str, object, object]]:
    """(place, old, new) for every differing leaf; lists of named objects are compared by name."""
    if old == new:
        return
    if isinstance(old, list) and isinstance(new, list):
        old, new = _by_name(old), _by_name(new)
        if isinstance(old, list) or isinstance(new, list):
            yield place, old if isinstance(old, list) else list(old.values()), _listed(new)
            return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            below = f"{place}.{name}" if place else str(name)
            yield from changes(old.get(name, _ABSENT), new.get(name, _ABSENT), below)
        return
    yield place, old, new


def show(value: object) -> str:
    """A value for a sentence, truncated if it is long."""
    if value is _ABSENT or value is None:
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = " ".join(text.split()) or '""'
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def show_number(value: object, digits: int = 6) -> str:
    """A value for a sentence; floats are rounded to ``digits`` significant digits and stay floats: ``1.0``."""
    if not isinstance(value, float):
        return show(value)
    text = f"{value:.{digits}g}"
    return f"{text}.0" if text.removeprefix("-").isdecimal() else text


def changed(place: str, old: object, new: object) -> str:
    """``NumRound 80 -> 120``."""
    return f"{place} {show(old)} -> {show(new)}"


def _by_name(items: list[object]) -> list[object] | dict[str, object]:
    """A list of objects with unique names as {name: object}; any other list unchanged."""
    for key in NAMES:
        if items and all(isinstance(item, Mapping) and isinstance(item.get(key), str) for item in items):
            named: dict[str, object] = {item[key]: item for item in items if isinstance(item, Mapping)}
            return named if len(named) == len(items) else items
    return items


def _listed(value: list[object] | dict[str, object]) -> list[object]:
    return value if isinstance(value, list) else list(value.values())
