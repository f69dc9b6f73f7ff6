"""Builds a step's slice of a plan for an operator that is used without a definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from .. import settings as configured
from ..definition.expressions import parse_value, referenced_steps
from ..definition.model import Get, walk_expressions
from ..definition.step_types import FREE_ARGUMENTS
from ..hooks.connection import AwsConnection
from ..plan.spec import ParameterSlot, StepSpec
from .step_task import StepTask


def standalone_step(
    step_type: str,
    *,
    arguments: Mapping[str, object],
    settings: Mapping[str, object],
    outputs: Sequence[str] | str,
    reads: Mapping[str, str] | None,
    pipeline: str | None,
    connection: AwsConnection,
    poll_interval_s: float | None,
    logs: Literal["end", "live", "off"] | None,
    max_parallel_steps: int | None,
) -> StepTask:
    """The step of an operator; missing options come from the configuration."""
    spec, found = standalone_spec(step_type, arguments, settings, outputs, reads)
    return StepTask(
        type=step_type,
        spec=spec,
        pipeline=pipeline or "",
        reads=found,
        connection=connection,
        poll_interval_s=configured.poll_interval_s() if poll_interval_s is None else poll_interval_s,
        logs=logs or "end",
        max_parallel_steps=max_parallel_steps or 0,
    )


def standalone_spec(
    step_type: str,
    arguments: Mapping[str, Any],
    settings: Mapping[str, Any],
    outputs: Sequence[str] | str,
    reads: Mapping[str, str] | None,
) -> tuple[StepSpec, dict[str, str]]:
    """``(spec, reads)`` for ``arguments``; parameters are the DAG's params, with their types.

    Raises :class:`~airflow_sagemaker_mlops.definition.problems.InvalidPipeline` for a malformed expression, and
    ``ValueError`` for a ForEach step, which has no body without a definition.
    """
    if step_type == "ForEach" and "Body" not in settings:
        raise ValueError(
            "A ForEach step needs a definition for its body. Without one, map the step of the body instead: "
            'ProcessingStepOperator.partial(task_id="each").expand(arguments=[...]).'
        )
    written = {**settings, "Arguments": arguments}
    values = parse_value(written, "arguments", free=step_type in FREE_ARGUMENTS)
    named = {e.name for e in walk_expressions(values) if isinstance(e, Get) and e.root == "Parameters"}
    spec = StepSpec.from_json({**written, "Outputs": outputs})
    if named and not spec.parameters:
        spec = replace(spec, parameters={name: ParameterSlot("Any") for name in sorted(named)})
    return spec, {**{name: name for name in sorted(referenced_steps(written))}, **(reads or {})}
