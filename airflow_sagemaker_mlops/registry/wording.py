"""Fits texts into the members of registry requests.

The limits are those of botocore's model of UpdateModelPackage: ``ApprovalDescription`` and ``StageDescription`` at most
1,024 characters, values of ``CustomerMetadataProperties`` at most 256 letters, digits, separators and ``_.:/=+-@``.
"""

from __future__ import annotations

import unicodedata

MAX_DESCRIPTION = 1024
MAX_METADATA = 256
MAX_PROPERTIES = 50
_MARKS = frozenset("_.:/=+-@")
_ENDS = (". ", "; ", ", ", " ")


def fitted(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """``text`` on one line of at most ``limit`` characters; if cut, after a sentence or word and with "…"."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    room = line[: limit - 2]
    for end in _ENDS:
        at = room.rfind(end)
        if at >= limit // 2:
            kept = room[: at + 1].rstrip(" ,;")
            return f"{kept} …" if kept.endswith(".") else f"{kept}…"
    return f"{room}…"


def is_metadata(text: str) -> bool:
    """Whether ``text`` can be a value of ``CustomerMetadataProperties``."""
    return 0 < len(text) <= MAX_METADATA and all(_fits(letter) for letter in text)


def metadata_value(text: str) -> str:
    """``text`` as a value of ``CustomerMetadataProperties``: other characters become "_"; empty stays empty."""
    return "".join(letter if _fits(letter) else "_" for letter in " ".join(text.split()))[:MAX_METADATA]


def _fits(letter: str) -> bool:
    return letter in _MARKS or unicodedata.category(letter)[0] in "LZN"
