"""Places in a document.

A place is a linked list ``(parent, key)`` that costs nothing to make; its text is only built for a problem.
"""

from __future__ import annotations

import re
from typing import Any

Place = tuple[Any, str | int] | None  # None is the root

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_:\-]*")


def place_text(place: Place) -> str:
    """``$.Steps[1].Arguments.Environment['my key']``."""
    keys: list[str | int] = []
    while place is not None:
        keys.append(place[1])
        place = place[0]
    return "$" + "".join(key_text(key) for key in reversed(keys))


def key_text(key: str | int) -> str:
    """One part of a place: ``[1]``, ``.Steps`` or ``['my key']``."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN.fullmatch(key) else f"['{key}']"
