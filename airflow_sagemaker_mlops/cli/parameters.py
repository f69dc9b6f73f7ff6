"""``Name=value`` words on the command line, such as parameter values: ``-p Name=value``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..plan.model import Plan
from ..runs.parameters import typed_values


def texts_of(words: Sequence[str]) -> dict[str, str]:
    """``{name: text}`` of ``Name=value`` words.

    Raises ``ValueError`` with a sentence, also for a name with two values: the last one would win in silence.
    """
    texts: dict[str, str] = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator:
            raise ValueError(f'"{word}" is not Name=value.')
        if texts.setdefault(name, text) != text:
            raise ValueError(f'"{name}" is given twice, with two values; keep one of them.')
    return texts


def parse_values(plan: Plan, given: Sequence[str], *, may_miss: bool = False) -> dict[str, Any]:
    """``Name=value`` words as typed values.  Raises ``ValueError`` with a sentence."""
    return typed_values(plan, texts_of(given), may_miss=may_miss)
