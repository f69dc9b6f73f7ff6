"""Comparisons of incompatible types, as far as the document determines the types of both sides.

Rules: docs/language/conditions.md#how-operands-compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..evaluate import family
from ..expressions import kind_of
from ..model import (
    Comparison,
    Get,
    Join,
    Parameter,
    Pipeline,
    Step,
)
from ..problems import Place, Problem, place_text
from .properties import declared_type

FAMILIES = {"String": "string", "Integer": "number", "Float": "number", "Boolean": "boolean"}


def comparisons_can_be_made(pipeline: Pipeline, comparisons: Iterable[tuple[Place, Comparison]]) -> Iterator[Problem]:
    """The two sides of a comparison have comparable types; otherwise the step fails."""
    parameters, steps = pipeline.parameters_by_name, pipeline.by_name
    for place, comparison in comparisons:
        left, right = (family_of(side, parameters, steps) for side in (comparison.left, comparison.right))
        if left is not None and right is not None:
            yield from misfit(comparison, left, right, place_text(place))


def misfit(comparison: Comparison, left: str, right: str, where: str) -> Iterator[Problem]:
    """The problem of comparing kinds ``left`` and ``right``; none if they are comparable."""
    if not _fits(comparison.op, left, right):
        what = (
            f"{comparison.op} cannot compare {_shown(comparison.left, left)} with {_shown(comparison.right, right)}; "
            "the step will fail."
        )
        yield Problem("SM141", where, what, _fix(comparison, left, right), severity="warning")


def _fits(op: str, left: str, right: str) -> bool:
    return left == right and (op in ("Equals", "NotEquals") or left in ("number", "string"))


def family_of(operand: object, parameters: Mapping[str, Parameter], steps: Mapping[str, Step]) -> str | None:
    """The kind of value that ``operand`` has at run time; ``None`` if the document does not determine it."""
    match operand:
        case Get(root="Parameters", name=name):
            return FAMILIES[parameters[name].type] if name in parameters else None
        case Get(root="Execution") | Join():
            return "string"
        case Get(root="Steps", name=name, path=path) if name in steps:
            declared = declared_type(steps[name], path)
            return FAMILIES[declared] if declared is not None else None
        case str() | bool() | int() | float():
            return family(operand)
        case _:
            return None


def _shown(operand: object, kind: str) -> str:
    match operand:
        case Get(text=text):
            return f"the {kind} {text}"
        case Join():
            return "joined text"
        case bool():
            return f"the boolean {str(operand).lower()}"
        case str():
            return f"the string {kind_of(operand)}" if len(operand) <= 60 else "a string"
        case _:
            return kind_of(operand)


def _fix(comparison: Comparison, left: str, right: str) -> str:
    """The fix for a literal in quotation marks, the usual mistake."""
    for literal, other in ((comparison.left, right), (comparison.right, left)):
        if isinstance(literal, str) and other in ("number", "boolean"):
            return f"Remove the quotation marks: {literal.lower()}." if _is_meant(literal, other) else ""
    return ""


def _is_meant(text: str, kind: str) -> bool:
    from ..values import coerce

    try:
        coerce(text, "boolean" if kind == "boolean" else "double")
    except ValueError:
        return False
    return True
