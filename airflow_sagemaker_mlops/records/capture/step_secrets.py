"""The secrets of one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...execution.secret_masking import secrets_in
from ...execution.step_run import StepRun
from ..model.canonical_json import plain
from ..model.secrets import secrets_of_parameters


def secrets_of_step(run: StepRun) -> frozenset[str]:
    """The secrets of one step: in the parameters that it references and in its slice of the definition.

    The request is no source: a process that continues the step receives it without secrets.
    """
    literal = secrets_in(plain(_literals(run.spec.arguments)))
    return secrets_of_parameters(run.scope.parameters).union(literal)


def _literals(value: object) -> Any:
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
