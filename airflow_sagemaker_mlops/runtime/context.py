"""Airflow's task instance -> the :class:`StepRun` of ``execution``; the same in a worker and in the triggerer."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import settings
from ..execution.aws.clients import Aws
from ..execution.identity import StepIdentity
from ..execution.scope import Scope
from ..execution.scope_values import (
    execution_variables,
    experiment_block,
    s3_reader,
    typed_parameters,
)
from ..execution.step_run import ExecutionOptions
from ..settings_table import SECTION
from .step_task import StepTask
from .task_states import map_index_of

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol, RuntimeTaskInstanceProtocol


def identity_of(
    task: StepTask, ti: RuntimeTaskInstanceProtocol, dag_run: DagRunProtocol, generation: str
) -> StepIdentity:
    """The identity of this attempt."""
    return StepIdentity(
        pipeline=task.pipeline or ti.dag_id,
        step=task.step or ti.task_id,
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=map_index_of(ti),
        try_number=ti.try_number,
        generation=generation,
        run_started=run_started(dag_run),
        instance=map_index_of(ti) if task.mapped else -1,
        group=task.group,
    )


def run_started(dag_run: DagRunProtocol) -> str:
    """When the run started, to the microsecond: two Airflow deployments may start equal run ids in one second."""
    return iso(getattr(dag_run, "start_date", None) or getattr(dag_run, "run_after", None), "microseconds")


def iso(moment: datetime | None, resolution: str = "seconds") -> str:
    """The time in the format of identities and records, ISO 8601 UTC; empty if there is none."""
    if moment is None:
        return ""
    return moment.astimezone(UTC).isoformat(timespec=resolution).replace("+00:00", "Z")


def options_of(task: StepTask, aws: Aws) -> ExecutionOptions:
    """How the step talks to AWS.  Raises ``ValueError`` for stubs with a connection to AWS itself."""
    return ExecutionOptions(poll_interval_s=task.poll_interval_s, logs=task.logs, stubs=_stubs(aws))


def _stubs(aws: Aws) -> Mapping[str, Any]:
    file = settings.stubs()
    if not file:
        return {}
    if not aws.is_local:
        raise ValueError(f"[{SECTION}] stubs is set, but the connection leads to AWS: it is for rehearsals.")
    return _read_stubs(file, Path(file).stat().st_mtime)


@functools.lru_cache(maxsize=4)
def _read_stubs(file: str, _changed: float) -> Mapping[str, Any]:
    from ..execution.stubs.run import read_file

    return read_file(Path(file))


def step_result(pushed: object) -> dict[str, Any]:
    """The value pushed by an upstream task, as a step's result; values of other Airflow tasks become ``Output``."""
    if pushed is None:
        return {}
    if isinstance(pushed, Mapping) and "Step" in pushed and "Properties" in pushed:
        return dict(pushed)
    return {"Properties": {"Output": pushed}}


def scope_of(
    task: StepTask,
    identity: StepIdentity,
    aws: Aws,
    given: Mapping[str, object],
    steps: Mapping[str, Mapping[str, Any]],
) -> Scope:
    """Values for the step's expressions; ``given`` are the parameter values that the run has."""
    return Scope(
        step=identity.step,
        parameters=typed_parameters(identity.step, task.spec, given),
        execution=execution_variables(identity, aws.region),
        steps=steps,
        files=task.spec.files,
        read_s3=s3_reader(aws),
        experiment=experiment_block(task.spec),
    )
