"""The verdict task.  It stands directly behind every step, so that it starts when all have ended.

To stand behind the leaves would not do: Airflow ends a task as ``upstream_failed`` or ``skipped`` as soon as *one* of
its upstreams failed or was skipped, while others still run (trigger rule ``all_success``, Airflow 3.3), and such an
upstream may also be one of the user's own.  The verdict stops what a run left running, so it must never be early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .model import VERDICT_TASK_ID, TaskPlan, Upstream


def verdict_task(tasks: Sequence[TaskPlan], edges: Mapping[str, tuple[Upstream, ...]]) -> TaskPlan:
    """The last task of a plan, behind ``tasks``; ``edges`` are those of the steps themselves."""
    spec: dict[str, Any] = {"Steps": {task.task_id: task.step_type for task in tasks if task.step_type != "Gate"}}
    handlers: dict[str, dict[str, str]] = {}
    for name, into in edges.items():
        for edge in into:
            if edge.trigger != "Completed":
                handlers.setdefault(edge.task_id, {})[name] = edge.trigger
    if handlers:
        spec["Handlers"] = handlers
    upstream = tuple(Upstream(task.task_id, "", "verdict") for task in tasks)
    return TaskPlan(VERDICT_TASK_ID, "Verdict", "verdict", "", spec, (), upstream)
