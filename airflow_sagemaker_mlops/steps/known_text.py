"""What is known of a text before anything runs: all of it, its beginning, or how long it is at least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definition.model import Get, Join, JsonGet, Parameter
from ..definition.values import as_text

ANYTHING = Get("Steps", "", (), "")  # what follows in a text, where only its beginning is known


def known_text(value: Any, parameters: Mapping[str, Parameter]) -> str | None:
    """The text that ``value`` gives when every parameter has its default; ``None`` when that is not enough."""
    match value:
        case Join(on=on, values=values):
            texts = [known_text(item, parameters) for item in values]
            return None if None in texts else on.join(text for text in texts if text is not None)
        case Get(root="Parameters", name=name):
            default = parameters[name].default if name in parameters else None
            return None if default is None else as_text(default)
        case Get() | JsonGet():
            return None
        case _:
            return as_text(value)


def known_beginning(value: Any) -> tuple[str, bool]:
    """What a text begins with whatever its expressions give, and whether that is all of it."""
    match value:
        case Join(on=on, values=parts):
            text = ""
            for index, part in enumerate(parts):
                piece, whole = known_beginning(part)
                text += (on if index else "") + piece
                if not whole:
                    return text, False
            return text, True
        case Get() | JsonGet() | None:
            return "", False
        case _:
            return as_text(value), True


def least_length(value: Any) -> int:
    """How many characters ``value`` has at least, whatever its expressions give."""
    match value:
        case Join(on=on, values=values):
            return sum(map(least_length, values)) + len(on) * max(len(values) - 1, 0)
        case Get() | JsonGet() | None:
            return 0
        case _:
            return len(as_text(value))
