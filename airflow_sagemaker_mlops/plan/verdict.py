"""The verdict task, and which steps it must stand directly behind, so that it starts when every step has ended.

Airflow skips a task as soon as *one* of its upstreams is skipped, even while others still run (trigger rule
``all_success``, Airflow 3.3).  So the end of a task says that its upstream A has ended too, unless a condition that is
not downstream of A could have skipped the task meanwhile.  The verdict stands behind every step that no such task
vouches for; that is every leaf, and few others.  Where a step handles another's failure (a gate), it stands behind all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .model import VERDICT_TASK_ID, TaskPlan, Upstream

NONE: frozenset[str] = frozenset()


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
    upstream = tuple(Upstream(name, "", "verdict") for name in verdict_upstream(tasks))
    return TaskPlan(VERDICT_TASK_ID, "Verdict", "verdict", "", spec, (), upstream)


def verdict_upstream(tasks: Sequence[TaskPlan]) -> list[str]:
    """Names of the steps the verdict waits for, in the order of ``tasks`` (topological)."""
    if any(task.step_type == "Gate" for task in tasks):
        return [task.task_id for task in tasks]
    causes = _causes(tasks)
    conditions = {task.task_id for task in tasks if task.step_type == "Condition"}
    before = _before_conditions(tasks, conditions)
    vouched: set[str] = set()
    for task in tasks:
        for edge in task.upstream:
            if edge.task_id not in vouched and _vouches(task, edge.task_id, causes, before):
                vouched.add(edge.task_id)
    return [task.task_id for task in tasks if task.task_id not in vouched]


def _causes(tasks: Sequence[TaskPlan]) -> dict[str, frozenset[str]]:
    """{task: the conditions that may leave it out, directly or through something it waits for}."""
    causes: dict[str, frozenset[str]] = {}
    for task in tasks:
        found = NONE
        for edge in task.upstream:
            found |= _through(edge.task_id, edge.kind, causes)
        causes[task.task_id] = found
    return causes


def _through(name: str, kind: str, causes: dict[str, frozenset[str]]) -> frozenset[str]:
    """Conditions that may skip a task by way of its upstream ``name``."""
    return causes[name] | {name} if kind == "branch" else causes[name]


def _before_conditions(tasks: Sequence[TaskPlan], conditions: set[str]) -> dict[str, set[str]]:
    """{condition: everything that has ended when it decides}."""
    upstream = {task.task_id: [edge.task_id for edge in task.upstream] for task in tasks}
    before: dict[str, set[str]] = {}
    for condition in conditions:
        seen: set[str] = {condition}
        stack = [condition]
        while stack:
            for name in upstream[stack.pop()]:
                if name not in seen:
                    seen.add(name)
                    stack.append(name)
        before[condition] = seen
    return before


def _vouches(task: TaskPlan, name: str, causes: dict[str, frozenset[str]], before: dict[str, set[str]]) -> bool:
    """Whether the end of ``task`` means that its upstream ``name`` has ended."""
    for edge in task.upstream:
        if edge.task_id == name and edge.kind != "branch":
            continue  # skipped because ``name`` was skipped: then that has ended
        if any(name not in before[condition] for condition in _through(edge.task_id, edge.kind, causes)):
            return False
    return True
