"""Canonical JSON by RFC 8785 (JCS): equal documents have equal bytes and equal hashes.

Hashed data is written by :func:`canonical_json`, so that any implementation of the RFC can check the hash.  Data that
is only stored is written by :func:`compact_json`, which also wrote the records of schema 1.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import rfc8785

from ...definition.read.strict_json import read_json

LARGEST_INTEGER = 2**53 - 1  # exact in every JSON reader: RFC 7493 section 2.2
MAX_DEPTH = 400  # levels of a stored document
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_STR = frozenset({str})
_SAME = (str, bool, type(None))  # types that Python and the RFC write alike
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class _Uncommon(Exception):
    """The standard library writes this value differently than the RFC."""


def canonical_json(value: Any) -> bytes:
    """The bytes of ``value`` by RFC 8785.

    Raises ``ValueError`` with a sentence for values that the RFC forbids: NaN, infinities, integers beyond 2**53 - 1,
    keys that are not strings, and lone surrogates.  :func:`plain` and :func:`exact` replace these.
    """
    with contextlib.suppress(_Uncommon, TypeError, UnicodeEncodeError, RecursionError):  # rfc8785 goes twice as deep
        return _ENCODE(_common(value)).encode()
    try:
        return rfc8785.dumps(value)
    except rfc8785.IntegerDomainError as error:
        raise ValueError(f"RFC 8785 forbids integers beyond 2**53 - 1: {error}. Write it as text.") from None
    except rfc8785.FloatDomainError as error:
        raise ValueError(f"RFC 8785 forbids NaN and infinities: {error}. Write it as text.") from None
    except UnicodeEncodeError:
        raise ValueError("RFC 8785 forbids lone surrogates, and a key contains one.") from None
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"RFC 8785 cannot represent this value: {error}.") from None


def _common(value: Any) -> Any:
    """``value`` so that ``json`` writes it by RFC 8785, which is faster.  Raises :class:`_Uncommon`."""
    kind = type(value)
    if kind is dict:
        # ASCII keys have the same order by code point and in UTF-16; a subclass may compare itself otherwise.
        if not all(map(str.isascii, value)) or not _STR.issuperset(map(type, value)):
            raise _Uncommon
        return {key: item if type(item) in _SAME else _common(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) in _SAME else _common(item) for item in value]
    if kind in _SAME or (kind is int and abs(value) <= LARGEST_INTEGER):
        return value
    if kind is float and value.is_integer() and abs(value) <= LARGEST_INTEGER:
        return int(value)
    if kind is float and 1e-4 <= abs(value) < 1e16 and not value.is_integer():
        return value  # has no exponent, neither in Python nor in ECMAScript
    raise _Uncommon


def compact_json(value: object) -> bytes:
    """JSON with keys sorted by code point, without white space, in UTF-8; numbers as Python writes them, of any size.

    Raises ``ValueError`` for NaN and infinities.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_of(value: object) -> str:
    """Hex SHA-256 of the canonical JSON of ``value``.  Raises like :func:`canonical_json`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def exact(value: object) -> Any:
    """``value``, plain JSON, with integers beyond 2**53 - 1 as text, as RFC 8785 appendix D recommends."""
    return _with_integers(value, str)


def doubles(value: object) -> Any:
    """``value``, read from canonical JSON, with integers beyond 2**53 - 1 as the doubles that they were."""
    return _with_integers(value, float)


def exact_text(value: object) -> str:
    """The compact JSON of plain ``value`` if canonical JSON changes its numbers (``1.0``, large integers); else ""."""
    data = compact_json(value)
    return "" if compact_json(json.loads(canonical_json(exact(value)))) == data else data.decode()


def read_exact(item: Mapping[str, object], name: str) -> Any:
    """The member ``name`` of ``item`` with its original numbers, from the member ``<name>_json`` if there is one.

    Raises ``ValueError`` if that is not JSON, or not the JSON of the same value.
    """
    text = item.get(f"{name}_json")
    if not isinstance(text, str):
        return item.get(name)
    value = read_json(text.encode(), most_depth=MAX_DEPTH)
    if canonical_json(exact(value)) != canonical_json(doubles(item.get(name))):
        raise ValueError(f"its {name} and {name}_json are different values")
    return value


def _with_integers(value: object, kind: type[str] | type[float]) -> Any:
    match value:
        case dict():
            return {key: _with_integers(item, kind) for key, item in value.items()}
        case list() | tuple():
            return [_with_integers(item, kind) for item in value]
        case int() if abs(value) > LARGEST_INTEGER:
            return kind(value)
        case _:
            return value


def plain(value: object) -> Any:
    """``value`` as plain JSON.

    Times become ISO 8601 text in UTC, decimals become numbers, NaN and infinities become text (a diverged loss is worth
    recording), bytes are dropped, and lone surrogates become question marks.
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


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False
