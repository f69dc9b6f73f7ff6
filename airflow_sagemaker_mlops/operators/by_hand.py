"""A step's slice of a plan, for an operator that somebody writes into a DAG without a definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..document.expressions import parse_value
from ..document.model import Get, JsonGet, walk_expressions

STEP_KEYS = ("FunctionArn", "OutputParameters", "PropertyFiles")  # beside Arguments in a definition


def spec_by_hand(
    step_type: str, arguments: Mapping[str, Any], outputs: Sequence[str] | str, reads: Mapping[str, str] | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """``(spec, reads)`` for ``arguments``; parameters are taken from the DAG's params with the type they have there.

    Raises :class:`~airflow_sagemaker_mlops.document.problems.InvalidPipeline` for a malformed expression.
    """
    spec: dict[str, Any] = {key: arguments[key] for key in STEP_KEYS if key in arguments and step_type == "Lambda"}
    spec["Arguments"] = {key: value for key, value in arguments.items() if key not in spec}
    spec["Outputs"] = outputs if isinstance(outputs, str) else list(outputs)
    found: dict[str, str] = {}
    parameters: set[str] = set()
    for expression in walk_expressions(parse_value(dict(arguments), "arguments")):
        match expression:
            case Get(root="Steps", name=name):
                found[name] = name
            case Get(root="Parameters", name=name):
                parameters.add(name)
            case JsonGet(step=str(name)):
                found[name] = name
    if parameters:
        spec["Parameters"] = {name: {"Type": "Any"} for name in sorted(parameters)}
    return spec, {**found, **(reads or {})}
