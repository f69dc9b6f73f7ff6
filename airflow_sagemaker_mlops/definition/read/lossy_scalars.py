"""Numbers and booleans whose text is lost when they are read: ``3.10``, ``1e5``, ``True``, ``+5``.

YAML and JSON read ``3.10`` as the number 3.1.  If a number is expected, nothing is lost; if a string is expected, it
would become "3.1".  Readers return a :class:`Written` for such a value, and :func:`settle` replaces it with the plain
value and reports it where a string is expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..problems import MAX_PROBLEMS, Place, Problem, place_text
from ..step_types import FREE_ARGUMENTS
from .strict_json import MAX_DIGITS, plain_number

TEXT_MAPS = frozenset({"Environment", "HyperParameters", "StaticHyperParameters", "CustomerMetadataProperties"})


class Written:
    """A value with its original text, which differs from how the value prints."""

    __slots__ = ("text", "value")

    def __init__(self, value: object, text: str) -> None:
        self.value = value
        self.text = text

    def __str__(self) -> str:
        return self.text


def number_as_written(text: str, kind: Callable[[str], Any]) -> Any:
    """The number in ``text``, a :class:`Written` if it prints differently.  Raises ``ValueError`` with a reason."""
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has {len(text)} characters, which is over the limit")
    try:
        value = plain_number(text, kind)
    except ValueError:
        raise ValueError(f'"{text[:60]}" is out of range') from None
    return value if repr(value) == text else Written(value, text)


def boolean_as_written(text: str) -> Any:
    """``true``, or a :class:`Written` for ``True`` and ``TRUE``."""
    value = text.lower() == "true"
    return value if text in ("true", "false") else Written(value, text)


def settle(document: object) -> tuple[Any, dict[str, str], list[Problem]]:
    """``document`` with plain values: ``(document, {place of a default or choice: its text}, problems)``.

    Changes the containers of ``document``, which its reader has just created.  A container that an alias repeats is
    handled at its first place only.
    """
    if type(document) is Written:
        return document.value, {}, []
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    seen: set[int] = set()
    stack: list[tuple[Any, Place, str]] = [(document, None, "")]
    while stack:
        value, place, slot = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        items: Any = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        kind = str(value.get("Type")) if isinstance(value, dict) else ""
        for key, item in items:
            below = _slot(slot, key, kind)
            if type(item) is Written:
                value[key] = item.value
                here = (place, key)
                if below == "parameter":
                    texts[place_text(here)] = item.text
                elif len(problems) < MAX_PROBLEMS and _wants_text(below, key, item.value):
                    problems.append(_changed(here, item))
            elif isinstance(item, dict | list):
                stack.append((item, (place, key), below))
    return document, texts, problems


def _slot(slot: str, key: str | int, kind: str) -> str:
    """The slot of the value under ``key``, in a container in ``slot``.

    ""           the document's own keys
    "parameter"  a parameter: separate rules apply to defaults
    "data"       the user's own numbers stay numbers
    "text"       a string, whatever the key
    other        a step's request: the name of the last member
    """
    if isinstance(key, int):
        return slot
    if slot == "" and key == "Parameters":
        return "parameter"
    if key == "Std:Join":
        return "text"
    if slot in ("parameter", "data", "text"):
        return slot
    if key in ("Metadata", "x-airflow", "Conditions", "IterableItems", "RetryPolicies"):
        return "data"
    if key in ("IfSteps", "ElseSteps", "ForEachBody", "Steps") and slot in ("", "Arguments"):
        return ""
    if slot == "":
        return ("data" if kind in FREE_ARGUMENTS else "Arguments") if key == "Arguments" else ""
    return "text" if key in TEXT_MAPS else key


def _wants_text(slot: str, key: object, value: object) -> bool:
    if slot == "text":
        return True
    if slot in ("", "parameter", "data"):
        return False
    from ..number_members import NUMBER_MEMBERS  # imported on demand: few documents have such a value in a request

    return slot not in NUMBER_MEMBERS and (not isinstance(value, bool) or isinstance(key, int))


def _changed(place: Place, item: Written) -> Problem:
    shown = json.dumps(item.value)
    text = item.text if len(item.text) <= 60 else f"{item.text[:60]}..."
    kind = "boolean" if isinstance(item.value, bool) else "number"
    what = f"{text} is read as the {kind} {shown[:60]}, but a string is expected here."
    return Problem("SM160", place_text(place), what, f'Put it in quotation marks: "{text}".')
