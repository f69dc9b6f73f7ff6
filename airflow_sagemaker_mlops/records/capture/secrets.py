"""The secrets of a run, found by the names of its parameters; they are removed from all stored data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...execution.secret_masking import secrets_in
from ...execution.step_run import StepRun
from ...plan.model import Plan
from ..model.canonical_json import plain


def secrets_of_parameters(values: Mapping[str, Any]) -> frozenset[str]:
    """The secrets in parameter values, {name: value}, except those too short to search for in text."""
    return frozenset(secrets_in(plain(dict(values))))


def secrets_of_run(plan: Plan, given: Mapping[str, Any]) -> frozenset[str]:
    """The secrets of a whole run: in the ``given`` values and in the defaults of the other parameters."""
    return secrets_of_parameters({p.name: given.get(p.name, p.default) for p in plan.parameters})


def secrets_of_step(run: StepRun) -> frozenset[str]:
    """The secrets of one step: in the parameters that it references and in its slice of the definition.

    The request is no source: a process that continues the step receives it without secrets.
    """
    literal = secrets_in(plain(_literals(run.spec.get("Arguments"))))
    return secrets_of_parameters(run.scope.parameters).union(literal)


def _literals(value: Any) -> Any:
    """``value`` without expressions, whose words are names of parameters and steps."""
    match value:
        case Mapping() if any(key == "Get" or str(key).startswith("Std:") for key in value):
            return None
        case Mapping():
            return {key: _literals(item) for key, item in value.items()}
        case list() | tuple():
            return [_literals(item) for item in value]
        case _:
            return value
