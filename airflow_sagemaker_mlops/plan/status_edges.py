"""The status task, and the steps that must be directly upstream of it, so that it starts when every step has ended.

It stops what a run left running, so it must never start early.  But the end of a task does not mean that everything
upstream has ended: Airflow sets it to ``upstream_failed`` or ``skipped`` as soon as *one* of its upstreams failed or
was skipped, while others still run (trigger rule ``all_success``, Airflow 3.3).  So the status task is directly
downstream of every step whose end is not implied by a downstream task's end: every leaf, and a few others.  If a step
handles another's failure, it is downstream of all steps, as it is if users set trigger rules on steps; see
``tasks``.

Sets of tasks are bit masks here, because plans can have thousands of tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..definition.step_types import AIRFLOW
from .model import STATUS_TASK_ID, TaskPlan, Upstream
from .spec import NO_SPEC


def status_task(tasks: Sequence[TaskPlan]) -> TaskPlan:
    """The last task of a plan, downstream of ``tasks``."""
    upstream = tuple(Upstream(name, "", "status") for name in status_upstream(tasks))
    return TaskPlan(STATUS_TASK_ID, "Status", "status", "", NO_SPEC, (), upstream)


def status_upstream(tasks: Sequence[TaskPlan]) -> list[str]:
    """Names of the steps that the status task waits for, in the order of ``tasks`` (topological)."""
    if any(task.step_type == "RunCondition" for task in tasks):
        return [task.task_id for task in tasks]
    bits = {task.task_id: 1 << index for index, task in enumerate(tasks)}
    ended = _ended_with(tasks, bits, _kept_from_beginning(tasks, bits))
    vouched = 0
    for task in tasks:
        for edge in task.upstream:
            vouched |= bits[edge.task_id] & ended[task.task_id]
    return [task.task_id for task in tasks if not bits[task.task_id] & vouched]


def _kept_from_beginning(tasks: Sequence[TaskPlan], bits: Mapping[str, int]) -> dict[str, int]:
    """{task: the tasks that never start if it fails or is skipped}."""
    below = dict.fromkeys(bits, 0)
    for task in reversed(tasks):
        if task.step_type == AIRFLOW:
            continue  # another package's operator may have its own trigger rule
        for edge in task.upstream:
            below[edge.task_id] |= bits[task.task_id] | below[task.task_id]
    return below


def _ended_with(tasks: Sequence[TaskPlan], bits: Mapping[str, int], below: Mapping[str, int]) -> dict[str, int]:
    """{task: the upstream tasks that cannot be running once it has ended}."""
    ended: dict[str, int] = {}
    skipping: dict[str, dict[str, int]] = {}  # other packages' operators before a task: they may skip it at any time
    for task in tasks:
        over, surely = 0, -1
        may_skip: dict[str, int] = {}
        for edge in task.upstream:
            name = edge.task_id
            done = ended[name] | bits[name]
            over |= done
            # A condition that skips the task has let others run.
            surely &= done if edge.kind == "branch" else done | below[name]
            may_skip |= skipping[name]
        for done in may_skip.values():
            surely &= done
        ended[task.task_id] = 0 if task.step_type == AIRFLOW else over & surely
        if task.step_type == AIRFLOW:
            may_skip = {**may_skip, task.task_id: ended[task.task_id] | bits[task.task_id]}
        skipping[task.task_id] = may_skip
    return ended
