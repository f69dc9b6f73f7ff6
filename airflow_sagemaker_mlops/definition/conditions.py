"""``Conditions`` of a Condition step: JSON -> comparison objects (docs/language/conditions.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .expressions import Reader, expression_meant, kind_of
from .model import (
    Comparison,
    ConditionNode,
    Disjunction,
    Membership,
    Negation,
)
from .problems import InvalidPipeline, Place, did_you_mean

BINARY = (
    "Equals",
    "NotEquals",
    "GreaterThan",
    "GreaterThanOrEqualTo",
    "LessThan",
    "LessThanOrEqualTo",
)
_MEMBERSHIP = frozenset({"Type", "QueryValue", "Values", "Value", "In"})
KEYS = {
    **dict.fromkeys(BINARY, frozenset({"Type", "LeftValue", "RightValue"})),
    "In": _MEMBERSHIP,
    "NotIn": _MEMBERSHIP,
    "Not": frozenset({"Type", "Condition"}),
    "Or": frozenset({"Type", "Conditions"}),
}
TYPES = tuple(KEYS)


def read_conditions(items: object, place: Place, reader: Reader) -> tuple[ConditionNode, ...]:
    """Every condition in the list ``items``; malformed ones are reported to ``reader`` and skipped."""
    if items is None:
        return ()
    if not isinstance(items, list | tuple):
        reader.report("SM140", place, "expected a list of conditions.", 'Write [{"Type": "Equals", ...}].')
        return ()
    read = [_read(item, (place, index), reader) for index, item in enumerate(items)]
    return tuple(node for node in read if node is not None)


def _read(item: object, place: Place, reader: Reader) -> ConditionNode | None:
    if not isinstance(item, Mapping):
        reader.report("SM140", place, "a condition must be an object with a Type.", "")
        return None
    kind = item.get("Type")
    if isinstance(kind, str) and kind in KEYS:
        reader.unknown_keys(item, KEYS[kind], place, f"a condition of type {kind}")
    match kind:
        case "In" | "NotIn":
            return _membership(item, place, reader)
        case "Not":
            return _negation(item, place, reader)
        case "Or":
            return _disjunction(item.get("Conditions"), place, reader)
        case str() if kind in BINARY:
            for side in ("LeftValue", "RightValue"):
                if side not in item:
                    reader.report("SM140", place, f'{kind} needs "{side}".', "")
            left = _operand(item.get("LeftValue"), (place, "LeftValue"), reader)
            right = _operand(item.get("RightValue"), (place, "RightValue"), reader)
            reader.comparisons.append((place, Comparison(kind, left, right)))
            return Comparison(kind, left, right)
        case None:
            reader.report("SM140", place, 'a condition needs "Type".', f"Use one of: {', '.join(TYPES)}.")
        case "And":
            fix = 'List its conditions in "Conditions", which must all be true, or write Not(Or(Not ...)).'
            reader.report("SM140", (place, "Type"), 'there is no condition type "And".', fix)
        case str():
            hint = did_you_mean(kind, TYPES)
            reader.report("SM140", (place, "Type"), f'there is no condition type "{kind}".', hint)
        case _:
            what = f"{kind_of(kind)} is not a condition type."
            reader.report("SM140", (place, "Type"), what, f"Use one of: {', '.join(TYPES)}.")
    return None


def _negation(item: Mapping[str, object], place: Place, reader: Reader) -> Negation | None:
    if item.get("Condition") is None:
        # An early SDK version wrote Expression, which the service refused.
        others = [str(key) for key in item if key not in KEYS["Not"]]
        there = f', but has "{others[0]}"' if others else ""
        reader.report("SM140", place, f'Not needs "Condition"{there}.', 'Write {"Type": "Not", "Condition": {...}}.')
        return None
    node = _read(item["Condition"], (place, "Condition"), reader)
    return Negation(node) if node is not None else None


def _disjunction(items: object, place: Place, reader: Reader) -> Disjunction:
    if items is None:
        reader.report("SM140", place, 'Or needs "Conditions".')
    elif items == []:
        reader.report("SM140", (place, "Conditions"), "an empty Or is never true.", "Add a condition.", warn=True)
    return Disjunction(read_conditions(items, (place, "Conditions"), reader))


def _membership(item: Mapping[str, object], place: Place, reader: Reader) -> Membership | None:
    # The SDK writes QueryValue and Values; the published schema has Value and In.
    query_key = "QueryValue" if "QueryValue" in item else "Value"
    values_key = "Values" if "Values" in item else "In"
    values = item.get(values_key)
    if query_key not in item or not isinstance(values, list | tuple):
        reader.report("SM140", place, f'{item["Type"]} needs "QueryValue" and a list "Values".', "")
        return None
    read = tuple(_operand(value, ((place, values_key), i), reader) for i, value in enumerate(values))
    query = _operand(item[query_key], (place, query_key), reader)
    return Membership("In" if item["Type"] == "In" else "NotIn", query, read)


def _operand(value: object, place: Place, reader: Reader) -> Any:
    read = reader.value(value, place)
    if isinstance(read, Mapping | list):
        what = f"an operand must be a scalar or an expression, not {kind_of(read)}."
        reader.report("SM140", place, what, expression_meant(read))
    return read


def parse_conditions(items: object, where: str) -> tuple[ConditionNode, ...]:
    """The conditions in ``items``.  Raises :class:`InvalidPipeline` if one is malformed."""
    reader = Reader()
    nodes = read_conditions(items, None, reader)
    if reader.errors:
        raise InvalidPipeline(where, reader.errors)
    return nodes
