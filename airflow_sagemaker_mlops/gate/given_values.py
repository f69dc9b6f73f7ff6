"""Values of rules as users write them: reads them as numbers, and shows them in sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLAIN_NUMBER = re.compile(_NUMBER)
_PERCENT = re.compile(rf"({_NUMBER})\s*%")


def number_of(value: object) -> float | None:
    """A finite number, or a text that is one; ``None`` otherwise, also for booleans."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value.strip()):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def share_of(value: object) -> float | None:
    """The share that a percentage such as ``5%`` means, if finite; ``None`` for any other value."""
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    share = float(found[1]) / 100 if found else math.nan
    return share if math.isfinite(share) else None


def shown(value: object) -> str:
    """A value in a sentence: short, and in the words of YAML."""
    if isinstance(value, str):
        return f'"{cut(value)}"'
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return cut(repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "a huge number")


def cut(value: object, limit: int = 60) -> str:
    """``value`` as a text of at most ``limit`` characters."""
    text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
