"""Text from outside for people: control characters, which could hide or reorder other text, become visible."""

from __future__ import annotations

import re

# C0 and C1 controls except tab and newline, and characters that change the text direction
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def shown(text: object) -> str:
    """``text`` with control characters and lone surrogates escaped, as ``\\x1b`` and ``\\ud800``."""
    given = str(text)
    if given.isprintable():  # as nearly every text is
        return given
    plain = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", given)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", plain)
