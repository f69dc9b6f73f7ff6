"""What is known about a text before the run: its value, its prefix, or its minimum length.

Nothing is known about an object or a list in place of a text, which is reported elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..definition.model import Get, Join, JsonGet, Parameter
from ..definition.values import as_text

ANYTHING = Get("Steps", "", (), "")  # the unknown rest of a text with a known prefix


def known_text(value: object, parameters: Mapping[str, Parameter]) -> str | None:
    """The text of ``value`` if every parameter has its default; ``None`` if it depends on more than parameters."""
    match value:
        case Join(on=on, values=values):
            texts = [known_text(item, parameters) for item in values]
            return None if None in texts else on.join(text for text in texts if text is not None)
        case Get(root="Parameters", name=name):
            default = parameters[name].default if name in parameters else None
            return None if default is None else as_text(default)
        case Get() | JsonGet() | Mapping() | list():
            return None
        case _:
            return as_text(value)


def known_beginning(value: object) -> tuple[str, bool]:
    """The prefix of a text that does not depend on expressions, and whether it is the whole text."""
    match value:
        case Join(on=on, values=parts):
            text = ""
            for index, part in enumerate(parts):
                piece, whole = known_beginning(part)
                text += (on if index else "") + piece
                if not whole:
                    return text, False
            return text, True
        case Get() | JsonGet() | Mapping() | list() | None:
            return "", False
        case _:
            return as_text(value), True


def least_length(value: object) -> int:
    """The minimum length of ``value``, whatever the values of its expressions."""
    match value:
        case Join(on=on, values=values):
            return sum(map(least_length, values)) + len(on) * max(len(values) - 1, 0)
        case Get() | JsonGet() | Mapping() | list() | None:
            return 0
        case _:
            return len(as_text(value))
