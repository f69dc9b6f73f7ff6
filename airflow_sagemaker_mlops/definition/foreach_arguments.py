"""The arguments of a ForEach step other than its body (docs/language/steps/foreach.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .expressions import called, is_expression, kind_of
from .problems import Place

if TYPE_CHECKING:
    from .report import Reporter

MAX_ITEMS_AT_AWS = 100
MAX_AT_A_TIME = 50
LOOP_KEYS = frozenset({"IterableItems", "MaxConcurrency", "Selector", "ForEachBody"})
PICKS = ("MaxBy", "MinBy")


def loop_arguments(out: Reporter, name: str, arguments: Mapping[str, object], place: Place) -> None:
    """The arguments of a ForEach step other than its body (docs/language/steps/foreach.md)."""
    out.unknown_keys(arguments, LOOP_KEYS, place, f"{called(name)} (ForEach)")
    items, most, selector = (arguments.get(key) for key in ("IterableItems", "MaxConcurrency", "Selector"))
    for key in ("IterableItems", "ForEachBody"):
        if arguments.get(key) is None or (key == "ForEachBody" and arguments[key] == []):
            out.report("SM121", place, f'{called(name)} has no "{key}".', f'Add "{key}": [...].')
    if items is not None and not isinstance(items, list) and not is_expression(items):
        out.reader.wanted(items, list, (place, "IterableItems"), "a list, or an expression for a JSON list")
    if isinstance(items, list) and not 1 <= len(items) <= MAX_ITEMS_AT_AWS:
        what = f"SageMaker Pipelines allows 1 to {MAX_ITEMS_AT_AWS} items in a loop, not {len(items)}."
        out.report("SM122", (place, "IterableItems"), what, warn=True)
    if not is_expression(most) and not (
        isinstance(most, int | float) and not isinstance(most, bool) and most in range(1, MAX_AT_A_TIME + 1)
    ):
        what = f"{called(name)} needs a MaxConcurrency from 1 to {MAX_AT_A_TIME}"
        fix = 'Write e.g. "MaxConcurrency": 5.'
        if most is None:
            out.report("SM121", place, f"{what}.", fix)
        else:
            out.report("SM122", (place, "MaxConcurrency"), f"{what}, not {kind_of(most)}.", fix)
    if selector is not None and out.reader.wanted(selector, Mapping, (place, "Selector"), "an object"):
        out.unknown_keys(selector, frozenset({"Pick", "Field"}), (place, "Selector"), "a Selector")
        if selector.get("Pick") not in PICKS:
            out.report(
                "SM122",
                ((place, "Selector"), "Pick"),
                f"{kind_of(selector.get('Pick'))} is not a valid Pick.",
                "Use MaxBy or MinBy.",
            )
        if not _is_of_an_iteration(selector.get("Field")):
            fix = 'Write {"Get": "IterationOutput.<step>.<path>"}.'
            out.report(
                "SM122",
                ((place, "Selector"), "Field"),
                "a Selector needs a Field that references a step of the body.",
                fix,
            )


def _is_of_an_iteration(field: object) -> bool:
    path = field.get("Get") if is_expression(field) else None
    return isinstance(path, str) and path.startswith("IterationOutput.")
