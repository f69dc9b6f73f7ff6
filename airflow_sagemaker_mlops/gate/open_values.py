"""Fills in the values that a rule file leaves open until a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_PLACE = re.compile(r"\[(\d+)\]|([A-Za-z]\w*)")


def put_values(rules: Any, values: Iterable[Sequence[str]]) -> None:
    """Put each (place, value) of ``values`` into ``rules``; a place is ``[0].By`` or ``[0].Values[1]``.

    Raises ``ValueError`` for a place that does not exist.
    """
    for place, value in values:
        keys = [int(index) if index else key for index, key in _PLACE.findall(place)]
        there = rules
        try:
            for key in keys[:-1]:
                there = there[key]
            there[keys[-1]] = value
        except (IndexError, KeyError, TypeError):
            raise ValueError(f"the rules have no {place}, so the value {value} cannot be set.") from None
