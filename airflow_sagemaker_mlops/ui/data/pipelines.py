"""The pipelines of a DAG run, found by their status tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...definition.step_types import type_of_operator
from ...execution.identity import run_name
from ...plan.model import STATUS_TASK_ID, TEARDOWN_TASK_ID
from ...record_ids import record_id
from .airflow_rows import TaskRow


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline in a DAG run; ``instance`` is -1 outside mapped task groups."""

    dag_id: str
    run_id: str
    group: str = ""
    instance: int = -1

    @property
    def record_id(self) -> str:
        """The id under which its records are kept."""
        return record_id(self.dag_id, self.group)

    @property
    def name(self) -> str:
        """The name of this run in records."""
        return run_name(self.run_id, self.instance)

    def task_id(self, name: str) -> str:
        """The task of a step, or of the package's own."""
        return f"{self.group}.{name}" if self.group else name

    @property
    def enders(self) -> tuple[str, str]:
        """The tasks that seal its record."""
        return self.task_id(STATUS_TASK_ID), self.task_id(TEARDOWN_TASK_ID)


def waits_for_people(row: TaskRow) -> bool:
    """Whether the task waits for a person's answer; before Airflow 3.3, such a task is deferred like any other."""
    return row.state == "awaiting_input" or (row.state == "deferred" and row.operator == "ApprovalStepOperator")


def pipelines_of(dag_id: str, run_id: str, rows: Sequence[TaskRow]) -> list[Pipeline]:
    """The pipelines of the run with these task instances; empty for a DAG that is not a pipeline."""
    found = []
    for row in rows:
        group, ending, rest = row.task_id.rpartition(STATUS_TASK_ID)
        is_status = ending and not rest and row.operator in ("PipelineStatusOperator", "")
        if is_status and (not group or group.endswith(".")):
            found.append(Pipeline(dag_id, run_id, group.rstrip("."), row.map_index))
    return sorted(found, key=lambda one: (one.group, one.instance))


def chosen(found: Sequence[Pipeline], group: str, instance: int) -> Pipeline:
    """The requested pipeline, or the first one."""
    return next((one for one in found if (one.group, one.instance) == (group, instance)), found[0])


def steps_of(
    pipeline: Pipeline, rows: Sequence[TaskRow], others: Sequence[Pipeline]
) -> Iterator[tuple[TaskRow, str, str]]:
    """(row, step name, step type) of the tasks that are steps of ``pipeline``."""
    inner = [f"{one.group}." for one in others if one.group and one.group != pipeline.group]
    prefix = f"{pipeline.group}." if pipeline.group else ""
    for row in rows:
        kind = type_of_operator(row.operator)
        belongs = row.task_id.startswith(prefix) and not any(
            row.task_id.startswith(other) and len(other) > len(prefix) for other in inner
        )
        if kind and belongs and pipeline.instance in (-1, row.map_index):
            yield row, row.task_id.removeprefix(prefix), kind
