"""Typing rules: values as text, in typed slots and in parameters, and durations.

Rules: docs/language/parameters.md, docs/language/expressions.md#types-of-slots, docs/language/caching.md#durations.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

INTEGERS = frozenset({"integer", "long"})
NUMBERS = frozenset({"float", "double"})
# A duration has no calendar date: a year is 365 days, a month 30.
_DAYS = {"y": 365, "m": 30, "w": 7, "d": 1}
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_NUMBER = r"\d+(?:[.,]\d+)?"
_DURATION = re.compile(
    rf"p?(?P<dy>{_NUMBER}y)?(?P<dm>{_NUMBER}m)?(?P<dw>{_NUMBER}w)?(?P<dd>{_NUMBER}d)?"
    rf"(?:t(?P<th>{_NUMBER}h)?(?P<tm>{_NUMBER}m)?(?P<ts>{_NUMBER}s)?)?",
    re.IGNORECASE | re.ASCII,
)
PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")
SCALARS = (str, int, float, bool)
HOW_TO_WRITE = "Write one like P30D, T12H, 30dT5h or PT30M."
LONGEST = timedelta(days=365_000)


def as_text(value: object) -> str:
    """``value`` as a join formats it: JSON style (``true``, ``3``, ``3.0``), strings without quotes."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def coerce(value: object, slot: str) -> Any:
    """``value`` converted to the type of ``slot``, one of botocore's scalar type names.  Raises ``ValueError``."""
    if slot in INTEGERS:
        return _integer(value)
    if slot in NUMBERS:
        return _number(value)
    if slot == "boolean":
        return _boolean(value)
    if slot == "string":
        if isinstance(value, dict | list):
            raise ValueError("expected a string")
        return as_text(value)
    return value


def _integer(value: object) -> int:
    match value:
        case bool():
            pass
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str():
            text = value.strip()
            if text.lstrip("+-").isascii() and text.lstrip("+-").isdigit():
                return int(text)
            number = _number(text)
            if number.is_integer():
                return int(number)
    raise ValueError("expected an integer")


def _number(value: object) -> float:
    match value:
        case bool():
            pass
        case int() | float():
            with suppress(OverflowError):  # an integer beyond any float
                if math.isfinite(float(value)):
                    return float(value)
        case str():
            try:
                number = float(value)
            except ValueError:
                raise ValueError("expected a number") from None
            if math.isfinite(number) and "_" not in value:
                return number
    raise ValueError("expected a number")


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ValueError("expected a boolean")


def listed(values: Iterable[object]) -> str:
    """The ``values`` for a message: ``1, 2.5, true``."""
    return ", ".join(map(as_text, values))


def given_value(value: object, kind: str, choices: Sequence[object], name: str) -> Any:
    """Convert a parameter value given in Python to its declared type, as the trigger form would.

    Raises ``ValueError`` with a sentence naming parameter, value and type.
    """
    if not isinstance(value, SCALARS) or (isinstance(value, float) and not math.isfinite(value)):
        article = "an" if kind[:1] in "AEIOU" else "a"
        shown = repr(value) if len(repr(value)) <= 80 else f"of type {type(value).__name__}"
        raise ValueError(f'parameter "{name}" is {shown}, which is not {article} {kind}.')
    return parse_parameter(value, kind, choices, name)


def parse_parameter(value: object, kind: str, choices: Sequence[object], name: str) -> Any:
    """Convert a parameter value, given as JSON or as text, to its declared type.

    An integer fits a Float, and an integral float fits an Integer; an empty string is refused, as on the service.
    ``choices``: the allowed values, of that type; empty for any.
    Raises ``ValueError`` with a sentence naming parameter, value and type.
    """
    shown = f'"{value}"' if isinstance(value, str) else as_text(value)
    try:
        match kind:
            case "Integer":
                typed: Any = _integer(value)
            case "Float":
                typed = _number(value)
            case "Boolean":
                typed = _boolean(value)
            case _:
                typed = coerce(value, "string")
    except ValueError:
        article = "an" if kind[:1] in "AEIOU" else "a"
        raise ValueError(f'parameter "{name}" is {shown}, which is not {article} {kind}.') from None
    if typed == "":
        raise ValueError(f'parameter "{name}" is empty; a value needs at least 1 character.')
    if choices and typed not in choices:
        raise ValueError(f'parameter "{name}" is {shown}; use one of: {listed(choices)}.')
    return typed


def parse_output(value: object, kind: str, name: str) -> Any:
    """Convert a value of the output parameter ``name`` to its declared type; a list or an object becomes JSON text.

    Raises ``ValueError`` with a sentence naming parameter, value and type.
    """
    if kind == "String":
        return json.dumps(value) if isinstance(value, dict | list) else as_text(value)
    try:
        return parse_parameter(value, kind, (), name)
    except ValueError as error:
        raise ValueError(f"output {error}") from None


def parse_duration(text: str) -> timedelta:
    """Parse ``text`` as a duration, as in ``ExpireAfter``.  Raises ``ValueError`` with a sentence.

    ISO 8601, including the looser spellings in the service's own examples: ``30d``, ``5y``, ``T16m``, ``30dT5h``.
    Letters in either case; the leading ``P`` is optional; ``m`` means months before ``T``, minutes after it.
    """
    match = _DURATION.fullmatch(text.strip())
    given = {name: part for name, part in match.groupdict().items() if part} if match else {}
    if not given or text.strip().upper().endswith("T"):
        raise ValueError(f'"{text[:80]}" is not a duration. {HOW_TO_WRITE}')
    total = timedelta()
    for name, part in given.items():
        number = float(part[:-1].replace(",", "."))
        try:
            total += (
                timedelta(days=number * _DAYS[name[1]])
                if name[0] == "d"
                else timedelta(seconds=number * _SECONDS[name[1]])
            )
        except OverflowError:
            return LONGEST
    return min(total, LONGEST)
