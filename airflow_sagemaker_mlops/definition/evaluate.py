"""Evaluating conditions (docs/language/conditions.md).

Numbers compare with numbers, whether integer or float; booleans equal booleans only; strings compare with strings, by
code point.  Other pairs cannot be compared and fail the step; the error has both values.  All operands are resolved
before anything is compared, so an undefined operand fails even if it could not have changed the outcome.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .model import (
    Comparison,
    ConditionNode,
    Disjunction,
    Get,
    Join,
    JsonGet,
    Membership,
    Negation,
)
from .values import as_text

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_SIGNS = {
    "Equals": "=",
    "NotEquals": "!=",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": ">=",
    "LessThan": "<",
    "LessThanOrEqualTo": "<=",
    "In": "in",
    "NotIn": "not in",
}


class IncomparableValues(ValueError):
    """Two values have types that cannot be compared."""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison with the values that it compared.

    text   for people: ``metrics.rmse of Evaluate 3.1 < 4.0``
    """

    text: str
    op: str
    left: Any
    right: Any
    result: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a Condition step: its ``value``, and every comparison made."""

    value: bool
    terms: tuple[Term, ...]


def evaluate(conditions: Sequence[ConditionNode], resolve: Callable[[Any], Any]) -> Outcome:
    """Whether all ``conditions`` are true; an empty list is true.  Raises :class:`IncomparableValues`."""
    resolved = [_resolved(node, resolve) for node in conditions]
    terms: list[Term] = []
    value = True
    for node in resolved:
        value = _holds(node, terms) and value
    return Outcome(value, tuple(terms))


@dataclass(frozen=True, slots=True)
class _Operand:
    name: str
    value: Any

    def __str__(self) -> str:
        shown = f'"{self.value}"' if isinstance(self.value, str) else as_text(self.value)
        return f"{self.name} {shown}" if self.name else shown


def _resolved(node: ConditionNode, resolve: Callable[[Any], Any]) -> ConditionNode:
    def one(value: object) -> _Operand:
        return _Operand(_name(value), resolve(value))

    match node:
        case Comparison():
            return Comparison(node.op, one(node.left), one(node.right))
        case Membership():
            return Membership(node.op, one(node.query), tuple(one(value) for value in node.values))
        case Negation():
            return Negation(_resolved(node.condition, resolve))
        case Disjunction():
            return Disjunction(tuple(_resolved(inner, resolve) for inner in node.conditions))


def _holds(node: ConditionNode, terms: list[Term]) -> bool:
    match node:
        case Comparison():
            result = _compare(node.op, node.left, node.right)
            terms.append(_term(node.op, node.left, node.right, result))
            return result
        case Membership():
            _refuse_no_number(node.query, *node.values)
            found = any(_same(node.query.value, item.value) for item in node.values)
            result = found if node.op == "In" else not found
            values = _Operand("", [item.value for item in node.values])
            terms.append(_term(node.op, node.query, values, result))
            return result
        case Negation():
            return not _holds(node.condition, terms)
        case Disjunction():
            results = [_holds(inner, terms) for inner in node.conditions]
            return any(results)


def _term(op: str, left: _Operand, right: _Operand, result: bool) -> Term:
    return Term(f"{left} {_SIGNS[op]} {right}", op, left.value, right.value, result)


def _compare(op: str, left: _Operand, right: _Operand) -> bool:
    _refuse_no_number(left, right)
    if family(left.value) != family(right.value):
        raise _incomparable(op, left, right)
    if op in ("Equals", "NotEquals"):
        return bool(left.value == right.value) is (op == "Equals")
    if family(left.value) not in ("number", "string"):
        raise _incomparable(op, left, right)
    return _ORDER[op](left.value, right.value)


def _refuse_no_number(*operands: _Operand) -> None:
    """Refuse NaN: every comparison with it is false and its ``Not`` true, so no condition may depend on it."""
    for one in operands:
        if isinstance(one.value, float) and not math.isfinite(one.value):
            raise IncomparableValues(f"{one.name or 'a value'} is {one.value}, so it cannot be compared.")


def _same(left: object, right: object) -> bool:
    return family(left) == family(right) and bool(left == right)


def _incomparable(op: str, left: _Operand, right: _Operand) -> IncomparableValues:
    kinds = f"a {family(left.value)} and a {family(right.value)}"
    return IncomparableValues(f"{op} cannot compare {left} with {right}: {kinds}.")


def family(value: object) -> str:
    """The family of a value; only values of the same family can be compared."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case None:
            return "null"
        case list():
            return "list"
        case _:
            return "object"


def _name(value: object) -> str:
    """The readable name of an operand; empty for a literal."""
    match value:
        case Get(root="Parameters", name=name):
            return name
        case Get(text=text):
            return text
        case JsonGet(step=str(step), path_text=path):
            return f"{path} of {step}"
        case JsonGet(path_text=path):
            return path
        case Join():
            return "joined text"
        case _:
            return ""


def in_words(conditions: Sequence[ConditionNode]) -> str:
    """The conditions as text, before a run: ``$.auc of Evaluate >= 0.75 and (Mode = "fast" or ...)``."""
    return " and ".join(map(_words, conditions)) or "no conditions"


def _words(node: ConditionNode) -> str:
    match node:
        case Comparison():
            return f"{_shown(node.left)} {_SIGNS[node.op]} {_shown(node.right)}"
        case Membership():
            return f"{_shown(node.query)} {_SIGNS[node.op]} [{', '.join(map(_shown, node.values))}]"
        case Negation():
            return f"not ({_words(node.condition)})"
        case Disjunction():
            return f"({' or '.join(map(_words, node.conditions))})"


def _shown(operand: object) -> str:
    return _name(operand) or json.dumps(operand, ensure_ascii=False, default=str)
