"""Whether a model's answers to real records are answers: one for each record, none empty, numbers as expected.

Pure: what was sent and what came back are given as bytes.  Rules: docs/language/steps/serving.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST_SHOWN = 200
KEYS = frozenset({"Minimum", "Maximum", "Keys"})


class NoAnswer(Exception):
    """The model cannot serve; the text says which record shows it."""


@dataclass(frozen=True, slots=True)
class Expect:
    """What every answer has to be like.

    minimum, maximum   bounds of all numbers in it; with one of them, an answer has at least one number
    keys               members that it has, as a JSON object, or that each of its rows has
    """

    minimum: float | None = None
    maximum: float | None = None
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: object) -> Expect:
        """The expectations of a step's ``Expect``.  Raises ``ValueError`` with what is wrong with them."""
        if given is None:
            return cls()
        if not isinstance(given, Mapping):
            raise ValueError(f"Expect is {given!r}; it is an object with {', '.join(sorted(KEYS))}")
        if unknown := sorted(set(given) - KEYS):
            raise ValueError(f'Expect has no key "{unknown[0]}"; it has {", ".join(sorted(KEYS))}')
        bounds = []
        for key in ("Minimum", "Maximum"):
            bound = given.get(key)
            bounds.append(None if bound is None else _bound(key, bound))
        low, high = bounds
        if low is not None and high is not None and not low <= high:
            raise ValueError(f"Expect.Minimum {low:g} is above Expect.Maximum {high:g}")
        keys = given.get("Keys") or ()
        if not isinstance(keys, Sequence) or isinstance(keys, str) or not all(isinstance(key, str) for key in keys):
            raise ValueError(f"Expect.Keys is {keys!r}; it is a list of names")
        return cls(low, high, tuple(keys))


def _bound(key: str, given: object) -> float:
    """``given`` as a number; texts count, since parameters may be texts."""
    try:
        bound = math.nan if isinstance(given, bool) else float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        bound = math.nan
    if math.isnan(bound):  # everything would be within it
        raise ValueError(f"Expect.{key} is {given!r}, which is not a number")
    return bound


def lines_of(content: bytes) -> list[bytes]:
    """The lines of a text that have something in them."""
    return [line for line in content.splitlines() if line.strip()]


def judge(records: int, answers: Sequence[bytes], expect: Expect) -> str:
    """The sentence about ``answers`` that are good.  Raises :class:`NoAnswer` for the first that is not.

    :param records: the number of records that were sent
    """
    if records == 0:
        raise NoAnswer("there is no record to send")
    if len(answers) != records:
        raise NoAnswer(f"{_count(records, 'record')} got {_count(len(answers), 'answer')}")
    for number, answer in enumerate(answers, 1):
        reason = _wrong(answer, expect)
        if reason:
            raise NoAnswer(f"record {number} of {records} was answered with {_shown(answer)}: {reason}")
    return f"{_count(records, 'record')} answered"


def _wrong(answer: bytes, expect: Expect) -> str:
    text = answer.decode("utf-8", "replace").strip()
    if text in ("", "null", "[]", "{}", '""'):
        return "it is empty"
    value = _parsed(text)
    numbers = list(_numbers(value))
    if any(not math.isfinite(number) for number in numbers):
        return "it has a number that is not finite"
    bounded = expect.minimum is not None or expect.maximum is not None
    if bounded and not numbers:
        return "it has no number"
    for number in numbers if bounded else ():
        if expect.minimum is not None and number < expect.minimum:
            return f"{number:g} is below {expect.minimum:g}"
        if expect.maximum is not None and number > expect.maximum:
            return f"{number:g} is above {expect.maximum:g}"
    rows = value if isinstance(value, list) else [value]
    for key in expect.keys:
        if not all(isinstance(row, Mapping) and row.get(key) is not None for row in rows):
            return f'it has no "{key}"'
    return ""


def _parsed(text: str) -> Any:
    """JSON, or the cells of CSV."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return [_number(cell) for cell in text.replace("\n", ",").split(",")]


def _number(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell.strip()


def _numbers(value: object) -> Iterator[float]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, int | float) and not isinstance(item, bool):
            try:
                yield float(item)
            except OverflowError:  # an integer of more than 308 digits
                yield math.inf


def _shown(answer: bytes) -> str:
    text = " ".join(answer.decode("utf-8", "replace").split())
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
