"""JSON in one spelling, so that equal documents have equal bytes and equal hashes.

Keys sorted by code point, no white space, UTF-8, numbers as Python's ``json`` writes them, no NaN.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def canonical_json(value: Any) -> bytes:
    """The one spelling of ``value``.  Raises ``ValueError`` for NaN and infinities; see :func:`plain`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_of(value: Any) -> str:
    """Hex SHA-256 of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def plain(value: Any) -> Any:
    """``value`` as JSON that has a canonical spelling.

    Times become ISO 8601 UTC, decimals numbers, NaN and infinities their names as text (a diverged loss is worth
    recording), bytes are left out, and halves of surrogate pairs become U+FFFD.
    """
    match value:
        case Mapping():
            return {str(plain(str(key))): plain(item) for key, item in value.items() if not isinstance(item, bytes)}
        case list() | tuple() | set() | frozenset():
            items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return [plain(item) for item in items if not isinstance(item, bytes)]
        case str():
            return value.encode("utf-8", "replace").decode() if _has_surrogate(value) else value
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else _NOT_FINITE[str(value)]
        case Decimal():
            return int(value) if value == value.to_integral_value() else plain(float(value))
        case _:
            return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False
