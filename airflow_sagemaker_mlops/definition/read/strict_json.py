"""Strict, bounded reading of JSON, for definitions and for everything that a run or a command reads from outside.

Accepts exactly RFC 8259: no NaN or Infinity, no number out of a float's range, no lone surrogate.  A repeated key is
ambiguous, so it is refused unless the caller handles it.  Size and depth are limited, so that no document exhausts the
stack or the memory; YAML and dicts have the same limits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import Any, Literal

from ..problems import MAX_PROBLEMS, Problem

MAX_BYTES = 8_000_000  # the service accepts 1 MiB; YAML with comments may be longer
MAX_VALUES = 500_000  # after aliases are followed; a definition of 1 MB has about 60,000
MAX_DEPTH = 200  # lists and objects within each other; Conditions nested 60 deep take 190
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_NO_BRACKETS = re.compile(rf"{_STRING}|[^\[\]{{}}\"]+", re.DOTALL)
_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_WORD = re.compile(rf'{_STRING}|[^\s\[\]{{}}:,"]+', re.DOTALL)
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\],:]", re.DOTALL)
_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
MAX_DIGITS = 4000  # Python refuses 4,300, because parsing takes quadratic time


class NotJson(ValueError):
    """The text is not JSON, or too large; ``str()`` is a reason that can follow "this is not JSON: ".

    line, column   the position, from 1; ``None`` if it is not known
    kind           "form": it is not JSON; "bound": it exceeds a limit on size or depth; "letter": it contains a lone
                   surrogate
    """

    def __init__(
        self, what: str, at: tuple[int, int] | None = None, kind: Literal["form", "bound", "letter"] = "form"
    ) -> None:
        super().__init__(what)
        self.line: int | None = at[0] if at else None
        self.column: int | None = at[1] if at else None
        self.kind = kind

    def predicate(self) -> str:
        """The predicate of a sentence: ``is not in valid JSON format: NaN is not a number in JSON (line 1, …)``."""
        place = f" (line {self.line}, column {self.column})" if self.line is not None else ""
        words = {
            "form": f"is not in valid JSON format: {self}",
            "bound": str(self),
            "letter": f"is not Unicode: {self}",
        }
        return words[self.kind] + place


class _Wrong(ValueError):
    """A number or a constant that JSON does not have; the argument is the text."""


def is_yaml(name: str, text: str) -> bool:
    """Whether a document is read as YAML: by its file extension, otherwise by its first characters."""
    if name.endswith((".yaml", ".yml")):
        return True
    return not name.endswith(".json") and not text.lstrip().startswith(("{", "["))


def read_json(
    data: str | bytes,
    *,
    most_bytes: int = MAX_BYTES,
    most_depth: int = MAX_DEPTH,
    twice: list[tuple[str, int, int]] | None = None,
    number: Callable[[str, Callable[[str], Any]], Any] | None = None,
) -> Any:
    """The value in ``data``.  Raises :class:`NotJson` for any problem.

    twice    receives (key, line, column) of repeated keys, of which the last then counts; without it such a text is
             refused
    number   converts a number's text to its type; must raise ``ValueError`` for numbers out of range
    """
    if len(data) > most_bytes:
        raise NotJson(f"is larger than {most_bytes} bytes", kind="bound")
    text = _text(data)
    make = number or plain_number
    has_duplicates = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_duplicates
        made = dict(items)
        has_duplicates = has_duplicates or len(made) != len(items)
        return made

    def real(written: str) -> Any:
        try:
            return make(written, float)
        except ValueError:
            raise _Wrong(written) from None

    def whole(written: str) -> Any:
        if len(written) > MAX_DIGITS:
            raise _Wrong(written)
        return make(written, int)

    try:
        value = json.loads(
            text, object_pairs_hook=pairs, parse_constant=_no_constant, parse_float=real, parse_int=whole
        )
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise NotJson(what, (error.lineno, error.colno)) from None
    except _Wrong as error:
        raise _wrong_number(text, str(error)) from None
    except RecursionError:
        raise _too_deep(text, most_depth) from None
    # A parsed text has no unclosed string, for which these expressions would be slow.
    if max(accumulate(map(_STEP.__getitem__, _NO_BRACKETS.sub("", text))), default=0) > most_depth:
        raise _too_deep(text, most_depth)
    if "\\ud" in text or "\\uD" in text:
        for match in _HALF.finditer(text):
            if match[1]:
                what = f'"{match[1]}" is a lone surrogate: its other half is missing'
                raise NotJson(what, position(text, match.start()), "letter")
    if has_duplicates and twice is None:
        key, line, column = next(second_uses(text))
        raise NotJson(f'the key "{key[:60]}" appears twice in one object', (line, column))
    if has_duplicates and twice is not None:
        twice.extend(islice(second_uses(text), MAX_PROBLEMS))
    return value


def plain_number(text: str, kind: Callable[[str], Any]) -> Any:
    """The number in ``text``.  Raises ``ValueError`` if it is larger than any float."""
    value = kind(text)
    if kind is float and not math.isfinite(value):
        raise ValueError
    return value


def second_uses(text: str) -> Iterator[tuple[str, int, int]]:
    """Every repeated key in a JSON ``text``, with line and column of its second occurrence."""
    open_objects: list[dict[str, int] | None] = []
    last, start = "", 0
    line, counted, line_start = 1, 0, 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "{":
            open_objects.append({})
        elif token == "[":
            open_objects.append(None)
        elif token in "}]":
            if open_objects:
                open_objects.pop()
        elif token == ":":
            keys = open_objects[-1] if open_objects else None
            if keys is None:
                continue
            key = json.loads(last)
            uses = keys[key] = keys.get(key, 0) + 1
            if uses == 2:
                breaks = text.count("\n", counted, start)
                if breaks:
                    line += breaks
                    line_start = text.rfind("\n", 0, start) + 1
                counted = start
                yield key, line, start - line_start + 1
        elif token != ",":
            last, start = token, match.start()


def position(text: str, at: int) -> tuple[int, int]:
    """Line and column of the character ``at``, from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def too_large(what: str = "the definition") -> Problem:
    """SM105 for a text with too many bytes."""
    return Problem("SM105", "$", f"{what} is larger than {MAX_BYTES} bytes.")


def too_deep(line: int | None = None, column: int | None = None, where: str = "$") -> Problem:
    """SM105 for lists and objects that are nested too deeply."""
    what = f"lists and objects are nested more than {MAX_DEPTH} deep here; the document is nested too deeply."
    return Problem("SM105", where, what, line=line, column=column)


def too_many(line: int | None = None, column: int | None = None, where: str = "$") -> Problem:
    """SM105 for a document that is too large once its aliases are expanded."""
    what = (
        f"the document has more than {MAX_VALUES} values, or {MAX_BYTES} characters, once its aliases and merge keys "
        "are expanded up to here."
    )
    return Problem("SM105", where, what, line=line, column=column)


def _text(data: str | bytes) -> str:
    if isinstance(data, bytes):
        try:
            return data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise NotJson(f"byte {error.start} is not {error.encoding.upper()}") from None
    if not data.isascii():
        try:
            data.encode()
        except UnicodeEncodeError as error:
            raise NotJson("it contains a lone surrogate", position(data, error.start), "letter") from None
    return data.removeprefix("\ufeff")


def _no_constant(constant: str) -> Any:
    raise _Wrong(constant)


def _wrong_number(text: str, written: str) -> NotJson:
    at = next((match.start() for match in _WORD.finditer(text) if match[0] == written), None)
    place = position(text, at) if at is not None else None
    if written in ("NaN", "Infinity", "-Infinity"):
        return NotJson(f"{written} is not a number in JSON", place)
    if len(written) > MAX_DIGITS:
        return NotJson(f"a number has {len(written)} characters, which is over the limit", place, kind="bound")
    return NotJson(f"{written[:60]} is out of range", place)


def _too_deep(text: str, limit: int) -> NotJson:
    depth, place = 0, None
    for match in _BRACKET.finditer(text):
        depth += _STEP.get(match[0], 0)
        if depth > limit:
            place = position(text, match.start())
            break
    return NotJson(f"is nested more than {limit} deep", place, kind="bound")
