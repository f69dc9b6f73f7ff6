"""Expressions in typed slots: the types and values that a document determines before the run.

SageMaker Pipelines compares declared types ("Cannot assign property reference [Parameters.Count] to argument of type
[Integer]"), but here values are converted when the step runs.  So an expression of another type is a warning, and an
error only if none of its values can be converted.  Defaults and enum values of parameters are checked against lengths,
patterns and enumerations, as literals are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from ..definition.checks.comparisons import FAMILIES, family_of, misfit
from ..definition.checks.properties import declared_type
from ..definition.expressions import as_written
from ..definition.model import (
    Comparison,
    ConditionNode,
    Disjunction,
    Expression,
    Get,
    Join,
    JsonGet,
    Negation,
    Parameter,
    Pipeline,
    Step,
)
from ..definition.problems import Problem
from ..definition.property_paths import MissingValue, lookup
from ..definition.values import INTEGERS, NUMBERS, coerce
from .catalogue import STEP_TYPES
from .known_text import known_text, least_length
from .properties import shape_at
from .shapes import Misfit, SlotRule, broken_limits, matches, plain, quote

if TYPE_CHECKING:
    from ..json_types import ModelShape

SLOTS = {
    "string": "String",
    "boolean": "Boolean",
    **dict.fromkeys(INTEGERS, "Integer"),
    **dict.fromkeys(NUMBERS, "Float"),
}
NOT_IN_A_NUMBER = re.compile(r"[^0-9+\-.eE\s]")
A_NUMBER = "12"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known about an expression.

    shown    its name in messages
    type     "String", "Integer", "Float" or "Boolean"
    values   (value, origin) of the values that the document gives it
    open     whether it may have other values, too
    """

    shown: str
    type: str
    values: tuple[tuple[Any, str], ...] = ()
    open: bool = True


def slot_rule(pipeline: Pipeline) -> SlotRule:
    """The rule for expressions of ``pipeline``; it reports each fault of a parameter's values once."""
    parameters, steps = pipeline.parameters_by_name, pipeline.by_name
    reported: set[tuple[str, str]] = set()

    def rule(expression: Expression, shape: ModelShape) -> Iterator[Misfit]:
        slot = SLOTS.get(shape.type_name)
        known = expected(expression, parameters, steps)
        if slot is None or known is None:
            return
        misfit = _of_another_type(expression, known, slot, shape.type_name)
        if misfit is not None:
            yield misfit
        for value, origin in known.values:
            yield from _limits(value, origin, shape, reported)
        if isinstance(expression, Join):
            yield from _least(expression, parameters, shape, known)

    return rule


def expected(expression: Expression, parameters: Mapping[str, Parameter], steps: Mapping[str, Step]) -> Expected | None:
    """What is known about ``expression``; ``None`` if the document does not determine its type."""
    match expression:
        case Get(root="Parameters", name=name) if name in parameters:
            return _parameter(parameters[name])
        case Get(root="Execution" | "PipelineExperimentConfig", text=text):
            return Expected(text, "String")
        case Get(root="Steps" | "IterationOutput"):
            return _property(expression, steps)
        case Join():
            joined = known_text(expression, parameters)
            origin = "the joined text" if _is_literal(expression) else "the joined text with the parameters' defaults"
            return Expected(
                "joined text", "String", () if joined is None else ((joined, origin),), not _is_literal(expression)
            )
        case _:
            return None


def _parameter(parameter: Parameter) -> Expected:
    shown = f'parameter "{parameter.name}"'
    values = [] if parameter.default is None else [(parameter.default, f"the default of {shown}")]
    values += [(word, f"an enum value of {shown}") for word in parameter.enum if word != parameter.default]
    return Expected(shown, parameter.type, tuple(values), not parameter.enum)


def _property(reference: Get, steps: Mapping[str, Step]) -> Expected | None:
    step, path = reference.name and steps.get(reference.name), reference.path
    if not step:
        return None
    declared = declared_type(step, path)
    if declared is not None:
        return Expected(reference.text, declared)
    found = shape_at(reference, steps)
    kind = SLOTS.get(getattr(found, "type_name", ""))
    if kind is None:
        return None
    try:  # Describe returns the request's values
        given = lookup(step.arguments, path)
    except MissingValue:
        given = None
    if isinstance(given, str | int | float):
        return Expected(reference.text, kind, ((given, reference.text),), open=False)
    # Names, ARNs, URIs and statuses have a format; free text might happen to be a number.
    entry = STEP_TYPES.get(step.type)
    own_name = entry is not None and path == (entry.name_key,)  # generated here, with letters
    pattern = found.metadata.get("pattern")
    bounded = own_name or getattr(found, "enum", None) or (pattern and not matches(pattern, A_NUMBER))
    return Expected(reference.text, kind, open=not bounded)


def _of_another_type(expression: Expression, known: Expected, slot: str, type_name: str) -> Misfit | None:
    if known.type == slot or (slot == "Float" and known.type == "Integer"):
        return None
    wanted = plain(type_name)
    if slot == "String":
        what = f"{known.shown} is {_a(known.type)}, but a string is expected here: SageMaker Pipelines refuses that."
        cast = json.dumps(as_written(Join("", (expression,))))
        return Misfit("", what, f"Write {cast}.", "warning", "SM220")
    fix = f'Declare "{expression.name}" as {_a(slot)}.' if _is_parameter(expression) else ""
    unfit = [(value, origin) for value, origin in known.values if not _fits(value, type_name)]
    if unfit and (unfit[0] == known.values[0] or not known.open):
        value, origin = unfit[0]
        return Misfit("", f"expected {wanted}, found {quote(value)}, {origin}.", fix)
    what = f"{known.shown} is {_a(known.type)}, but {wanted} is expected here"
    never = known.type == "Boolean" or (slot == "Boolean" and known.type != "String")
    if never or not _may_be_one(expression, known, slot):
        return Misfit("", f"{what}.", fix)
    return Misfit("", f"{what}: SageMaker Pipelines refuses that.", fix, "warning", "SM220")


def _may_be_one(expression: Expression, known: Expected, slot: str) -> bool:
    """Whether the text might be a number, or true or false."""
    match expression:
        case Get(root="Execution"):
            return False
        case Get(root="Steps" | "IterationOutput"):
            return known.open or bool(known.values)
        case Join():
            between = expression.on if len(expression.values) > 1 else ""
            words = [item for item in (*expression.values, between) if isinstance(item, str)]
            return slot == "Boolean" or not any(NOT_IN_A_NUMBER.search(word) for word in words)
        case _:
            return True


def _is_parameter(expression: Expression) -> TypeGuard[Get]:
    return isinstance(expression, Get) and expression.root == "Parameters"


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AEIOU" else f"a {kind}"


def _fits(value: object, type_name: str) -> bool:
    try:
        coerce(value, type_name)
    except ValueError:
        return False
    return True


def _limits(value: object, origin: str, shape: ModelShape, reported: set[tuple[str, str]]) -> Iterator[Misfit]:
    try:
        fitted = coerce(value, shape.type_name)
    except ValueError:
        return
    broken = list(broken_limits(fitted, shape))
    phrase, fix = next((one for one in broken if one[1]), broken[0]) if broken else ("", "")
    if phrase and (origin, phrase) not in reported:
        reported.add((origin, phrase))
        yield Misfit("", f"{quote(fitted)}, {origin}, {phrase}.", fix, severity="warning")


def _least(
    expression: Join, parameters: Mapping[str, Parameter], shape: ModelShape, known: Expected
) -> Iterator[Misfit]:
    """A join is at least as long as its literals."""
    high = shape.metadata.get("max")
    if shape.type_name == "string" and high is not None and not known.values:
        least = least_length(expression)
        if least > high:
            what = f"the literals of the joined text have {least} characters, which is above the maximum of {high}."
            yield Misfit("", what, severity="warning")


def _is_literal(value: object) -> bool:
    if isinstance(value, Join):
        return all(map(_is_literal, value.values))
    return not isinstance(value, Get | JsonGet)


def comparisons_can_be_made(pipeline: Pipeline) -> Iterator[Problem]:
    """The rule of ``definition.checks.comparisons``, for properties whose type is known from the Describe response."""
    parameters, steps = pipeline.parameters_by_name, pipeline.by_name

    def kind_of(side: object) -> tuple[str | None, bool]:
        family = family_of(side, parameters, steps)
        known = None if family or not isinstance(side, Get) else expected(side, parameters, steps)
        return family or (FAMILIES[known.type] if known else None), family is not None

    for step in pipeline.steps:
        for index, condition in enumerate(step.conditions):
            for one in _comparisons(condition):
                (left, known_left), (right, known_right) = kind_of(one.left), kind_of(one.right)
                if left and right and not (known_left and known_right):
                    yield from misfit(one, left, right, f"{step.where}.Arguments.Conditions[{index}]")


def _comparisons(node: ConditionNode) -> Iterator[Comparison]:
    match node:
        case Comparison():
            yield node
        case Negation(condition=inner):
            yield from _comparisons(inner)
        case Disjunction(conditions=inner_nodes):
            for inner in inner_nodes:
                yield from _comparisons(inner)
