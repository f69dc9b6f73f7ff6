"""The secrets that a run is given, found by the names of its parameters: what is taken out of all that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...execution.secret_masking import secrets_in
from ...execution.step_run import StepRun
from ...plan.model import Plan
from ..model.canonical_json import plain


def secrets_of_parameters(values: Mapping[str, Any]) -> frozenset[str]:
    """The secrets among parameter values, {name: value}; not those too short to be searched for in texts."""
    return frozenset(secrets_in(plain(dict(values))))


def secrets_of_run(plan: Plan, given: Mapping[str, Any]) -> frozenset[str]:
    """The secrets of a whole run: among the values ``given``, and the defaults of the other parameters."""
    return secrets_of_parameters({p.name: given.get(p.name, p.default) for p in plan.parameters})


def secrets_of_step(run: StepRun) -> frozenset[str]:
    """Those that one step can meet: of the parameters that it names, and what its part of the definition says.

    They are not taken from its request: a process that goes on with the step has that without its secrets.
    """
    said = secrets_in(plain(_literals(run.spec.get("Arguments"))))
    return secrets_of_parameters(run.scope.parameters).union(said)


def _literals(value: Any) -> Any:
    """``value`` without expressions: words of theirs are names of parameters and steps."""
    match value:
        case Mapping() if any(key == "Get" or str(key).startswith("Std:") for key in value):
            return None
        case Mapping():
            return {key: _literals(item) for key, item in value.items()}
        case list() | tuple():
            return [_literals(item) for item in value]
        case _:
            return value
