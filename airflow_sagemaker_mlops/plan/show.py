"""Renders a plan for people: a tree for the terminal, a Mermaid flowchart for documents."""

from __future__ import annotations

import json
import re

from ..definition.values import listed
from .model import STATUS_TASK_ID, Plan, TaskPlan, Upstream

MERMAID_SHAPES = {
    "Condition": ("{", "}"),
    "RunCondition": ("{{", "}}"),
    "ForEach": ("[/", "/]"),
    "Fail": ("[[", "]]"),
    "Lambda": ("([", "])"),
    "Status": ("((", "))"),
}


def tree(plan: Plan) -> str:
    """Parameters, then every step with what it waits for; branch steps below their condition."""
    lines = [f"{plan.source}  ({_count(plan)})"]
    if plan.description:
        lines.append(plan.description)
    if plan.parameters:
        lines += ["", "Parameters"]
        width = max(len(parameter.name) for parameter in plan.parameters)
        for parameter in plan.parameters:
            default = "required" if parameter.required else json.dumps(parameter.default, ensure_ascii=False)
            choices = f"  one of {listed(parameter.enum)}" if parameter.enum else ""
            lines.append(f"  {parameter.name:<{width}}  {parameter.type:<7}  {default}{choices}")
    lines += ["", "Steps"]
    children = _children(plan)
    _branch(plan, children, "", "", lines)
    return "\n".join(lines)


def _count(plan: Plan) -> str:
    steps = sum(task.is_step for task in plan.tasks)
    return f"{steps} step" + ("" if steps == 1 else "s")


def _children(plan: Plan) -> dict[str, list[TaskPlan]]:
    """{condition: the steps of its branches}; "" has the steps outside any branch."""
    children: dict[str, list[TaskPlan]] = {}
    for task in plan.tasks:
        if task.is_step:
            parent = next((edge.task_id for edge in plan.edges_of(task) if edge.kind == "branch"), "")
            children.setdefault(parent, []).append(task)
    return children


def _branch(plan: Plan, children: dict[str, list[TaskPlan]], parent: str, indent: str, lines: list[str]) -> None:
    # A stack of iterators instead of recursion: documents may nest deeper than Python allows.
    stack = [(parent, indent, 0)]
    while stack:
        name, space, index = stack.pop()
        below = children.get(name, [])
        if index >= len(below):
            continue
        stack.append((name, space, index + 1))
        last = index == len(below) - 1
        task = below[index]
        lines.append(f"{space}{'└─' if last else '├─'} {_line(plan, task)}")
        stack.append((task.task_id, space + ("   " if last else "│  "), 0))


def _line(plan: Plan, task: TaskPlan) -> str:
    edges = plan.edges_of(task)
    label = next((f"{edge.label}: " for edge in edges if edge.kind == "branch"), "")
    after = [_after(edge) for edge in edges if edge.kind != "branch"]
    waits = f"  after {', '.join(after)}" if after else ""
    shown = f'  "{task.display_name}"' if task.display_name and task.display_name != task.task_id else ""
    body = [f"{name} [{step.type}]" for name, step in task.spec.body.items()]
    loop = f"  runs {', '.join(body)} for each item" if body else ""
    return f"{label}{task.task_id}  [{task.step_type}]{shown}{waits}{loop}"


def _after(edge: Upstream) -> str:
    when = f" ({edge.label})" if edge.label else ""
    return edge.task_id + ("*" if edge.kind == "data" else "") + when


def mermaid(plan: Plan) -> str:
    """A ``flowchart TD``: conditions as diamonds, branch edges labelled, data edges dotted."""
    ids = {task.task_id: f"t{index}" for index, task in enumerate(plan.tasks)}
    lines = ["flowchart TD"]
    for task in plan.tasks:
        opening, closing = MERMAID_SHAPES.get(task.step_type, ("[", "]"))
        name = "status" if task.task_id == STATUS_TASK_ID else task.task_id
        kind = "" if task.step_type == "Status" else f"<br/><small>{_safe(task.step_type)}</small>"
        lines.append(f'  {ids[task.task_id]}{opening}"{_safe(name)}{kind}"{closing}')
    for task in plan.tasks:
        for edge in task.upstream:
            arrow = "-.->" if edge.kind in ("data", "status") else "-->"
            label = f"|{edge.label}|" if edge.label else ""
            lines.append(f"  {ids[edge.task_id]} {arrow}{label} {ids[task.task_id]}")
    return "\n".join(lines)


def _safe(text: str) -> str:
    return re.sub(r"[^\w .:\-]", lambda match: f"#{ord(match[0])};", text)
