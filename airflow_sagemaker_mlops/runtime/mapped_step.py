"""The known properties of a mapped step before it has instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions._internal.types import NOTSET

from .. import settings as configured
from ..definition.step_types import WAITING
from ..hooks.connection import AwsConnection
from ..plan.spec import StepSpec
from .step_task import StepTask

if TYPE_CHECKING:
    pass


def defaults_of(*places: Any) -> dict[str, Any]:
    """The ``default_args`` of a mapped operator's DAG and task group; the inner one takes precedence."""
    return {key: value for place in places if place is not None for key, value in place.default_args.items()}


def mapped_step(operator: Any) -> StepTask | None:
    """The settings shared by all instances of a mapped step with a job.  If its connection is mapped, it is unknown.

    For mapped arguments, the first instance stands for all: how to stop a job is the same in each.
    """
    step_type = getattr(operator.operator_class, "step_type", None)
    if not isinstance(step_type, str) or step_type not in WAITING:
        return None
    given = {**defaults_of(operator.dag, operator.task_group), **operator.partial_kwargs}
    from ..templates import known_now

    mapped = getattr(operator.expand_input, "value", None)
    each = mapped.get("arguments") if isinstance(mapped, Mapping) else None
    first = each[0] if isinstance(each, Sequence) and each else {}
    return StepTask(
        step_type,
        StepSpec.from_json(
            {**(known_now(given.get("settings")) or {}), "Arguments": known_now(given.get("arguments") or first) or {}}
        ),
        connection=AwsConnection(
            configured.connection(given.get("aws_conn_id", NOTSET)),
            given.get("region_name") or configured.region_name(),
            given.get("assume_role_arn"),
            given.get("external_id"),
        ),
    )
