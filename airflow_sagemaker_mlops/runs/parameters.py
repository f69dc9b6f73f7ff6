"""Parameter values of a run: the given ones, and those inherited from another run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definition.problems import did_you_mean
from ..definition.values import parse_parameter
from ..plan.model import Plan
from ..records.reuse.selective_run import merge_parameters
from .errors import Argument, RunError


def typed_values(
    plan: Plan, given: Mapping[str, object], *, may_miss: bool = False, source: str = ""
) -> dict[str, Any]:
    """The ``given`` values in their parameters' types; strings are parsed as by the service.

    :param may_miss: whether values without a default may come from elsewhere
    :param source: name of the definition in messages
    :raises RunError: for names that are not declared and values that do not fit
    """
    declared = {parameter.name: parameter for parameter in plan.parameters}
    values: dict[str, Any] = {}
    at = f"{source}: " if source else ""
    for name, value in given.items():
        if name not in declared:
            meant = did_you_mean(name, declared)
            raise RunError("{at}{what}", at=at, what=f'there is no parameter "{name}". {meant}'.strip())
        try:
            values[name] = parse_parameter(value, declared[name].type, declared[name].enum, name)
        except ValueError as error:
            raise RunError("{at}{what}", at=at, what=error) from None
    if not may_miss:
        _check_complete(plan, values, at)
    return values


def values_after(plan: Plan, given: Mapping[str, object], inherited: Mapping[str, object]) -> dict[str, Any]:
    """All values of a run that inherits from another one: the ``given`` values, then the ``inherited`` ones.

    :raises ValueError: for a secret, which no record has, and for parameters without a value
    """
    values = merge_parameters(plan, given, inherited)
    _check_complete(plan, values)
    return values


def _check_complete(plan: Plan, values: Mapping[str, object], at: str = "") -> None:
    missing = [p.name for p in plan.parameters if p.required and p.name not in values]
    if missing:
        example = ", ".join(f'"{name}": ...' for name in missing)
        raise RunError(
            "{at}these parameters have no default: {missing}. Add {values}.",
            at=at,
            missing=", ".join(missing),
            values=Argument("parameters", missing, python=f"parameters={{{example}}}"),
        )
