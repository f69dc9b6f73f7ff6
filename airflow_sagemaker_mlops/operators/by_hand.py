"""A step's slice of a plan, for an operator that somebody writes into a DAG without a definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..document.expressions import parse_value, referenced_steps
from ..document.model import Get, walk_expressions
from ..document.step_types import FREE_ARGUMENTS


def spec_by_hand(
    step_type: str,
    arguments: Mapping[str, Any],
    settings: Mapping[str, Any],
    outputs: Sequence[str] | str,
    reads: Mapping[str, str] | None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """``(spec, reads)`` for ``arguments``; parameters are taken from the DAG's params with the type they have there.

    Raises :class:`~airflow_sagemaker_mlops.document.problems.InvalidPipeline` for a malformed expression.
    """
    spec: dict[str, Any] = {**settings}
    if arguments:
        spec["Arguments"] = dict(arguments)
    if outputs:
        spec["Outputs"] = outputs if isinstance(outputs, str) else list(outputs)
    values = parse_value(spec, "arguments", free=step_type in FREE_ARGUMENTS)
    named = {e.name for e in walk_expressions(values) if isinstance(e, Get) and e.root == "Parameters"}
    if named and "Parameters" not in spec:
        spec["Parameters"] = {name: {"Type": "Any"} for name in sorted(named)}
    return spec, {**{name: name for name in sorted(referenced_steps(spec))}, **(reads or {})}
