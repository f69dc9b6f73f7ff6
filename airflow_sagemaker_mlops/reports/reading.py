"""Reads values of any shape into bounded, plain ones: nothing here raises, whatever a record holds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..json_types import Json, JsonObject
from ..records.model.timestamps import parse_time
from ..visible_text import shown

NAME, SENTENCE, LONG = 300, 2_000, 8_000  # characters of a name, a sentence, and a failure
_LONGEST_TEXT = 400  # characters of a value
_EMPTY: JsonObject = {}
Item = TypeVar("Item")


def mapping(value: object) -> JsonObject:
    """``value`` if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else _EMPTY


def items(value: object) -> Sequence[Json]:
    """``value`` if it is a list, otherwise an empty one."""
    return value if isinstance(value, list | tuple) else ()


def objects(value: object) -> list[JsonObject]:
    """The objects in the list ``value``."""
    return [item for item in items(value) if isinstance(item, Mapping)]


def text(value: object, limit: int = NAME) -> str:
    """A string, or a number as text, cut to ``limit`` characters; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return clipped(_digits(value) if isinstance(value, int) else str(value), limit)


def sentence(value: object) -> str:
    """A string of sentences."""
    return text(value, SENTENCE)


def texts(value: object, limit: int = 100) -> list[str]:
    """The strings in the list ``value``."""
    return [text(item) for item in items(value)[:limit] if isinstance(item, str)]


def clipped(given: str, limit: int) -> str:
    """``given`` without control characters, cut to ``limit`` characters with an ellipsis."""
    kept = given if len(given) <= limit else f"{given[: limit - 1]}…"
    return shown(kept)


def as_text(value: object) -> str:
    """Any value as text: strings as they are, everything else as JSON; "" for ``None``."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clipped(value, _LONGEST_TEXT)
    try:
        return clipped(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str), _LONGEST_TEXT)
    except (ValueError, TypeError, RecursionError):  # an integer with thousands of digits, or a very deep value
        return "…"


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(float(value)) else None
    except OverflowError:
        return None


def count(value: object) -> int | None:
    """A whole number of things."""
    found = number(value)
    return int(found) if found is not None and found >= 0 else None


def time(value: object) -> str:
    """An ISO 8601 time in UTC; "" for anything else."""
    found = parse_time(value) if isinstance(value, str) else None
    try:
        return "" if found is None else found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return ""


def line_of(value: object) -> str:
    """The first line with text of a failure."""
    return next((clipped(line.strip(), SENTENCE) for line in str(value or "").splitlines() if line.strip()), "")


def lines(value: object, limit: int = 20) -> list[str]:
    """The last ``limit`` lines of a log that are not blank."""
    return [clipped(line, NAME) for one in items(value)[-limit * 10 :] if (line := str(one).rstrip())][-limit:]


class ListLimits:
    """Bounds lists, and counts what it leaves out."""

    def __init__(self) -> None:
        self.cut: dict[str, int] = {}

    def first(self, name: str, found: Sequence[Item], limit: int) -> list[Item]:
        """The first ``limit`` of ``found``, which is called ``name``."""
        if len(found) > limit:
            self.cut[name] = self.cut.get(name, 0) + len(found) - limit
        return list(found[:limit])


_REGION = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:([a-z]{2}(?:-[a-z]+)+-\d):")


def region_in(arn: str) -> str:
    """The region in an ARN; "" if there is none."""
    found = _REGION.match(arn)
    return found[1] if found else ""


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python converts
        return "…"
