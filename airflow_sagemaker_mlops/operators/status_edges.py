"""Extra edges to the status task, for steps that the user has wired or configured.

The plan knows which steps' ends are implied by downstream tasks (``plan.edges``), as long as nothing else ends
those tasks early.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..plan.model import STATUS_TASK_ID

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


def stand_before(status_task: BaseOperator, tasks: Iterable[BaseOperator]) -> None:
    """Have the status task wait for ``tasks`` themselves."""
    for task in tasks:
        task.downstream_task_ids.add(status_task.task_id)
        status_task.upstream_task_ids.add(task.task_id)


def let_status_wait(task: BaseOperator, step: str) -> None:
    """Make the status task wait for everything that ``task`` waits for, because ``task`` may now end early.

    step   its name in the pipeline
    """
    if not task.has_dag():
        return
    tasks: dict[str, Any] = task.dag.task_dict
    prefix = task.task_id.removesuffix(step)
    status_task = tasks.get(prefix + STATUS_TASK_ID)
    if status_task is None or task.task_id not in status_task.steps:
        return  # a step without a definition, or one that is being created
    before: set[str] = set()
    left = [task.task_id]
    while left:
        above = tasks[left.pop()].upstream_task_ids - before
        own = {name for name in above if name in status_task.steps}
        before |= own
        left += own
    stand_before(status_task, (tasks[name] for name in before))
