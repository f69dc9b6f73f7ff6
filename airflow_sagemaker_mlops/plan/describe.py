"""Renders a plan as Markdown: the documentation of the DAG and the tasks in Airflow's UI.

Text from a definition is data: it is escaped, so markup in a description is shown as it was written.
"""

from __future__ import annotations

import json
import re

from ..definition.secret_names import holds_secret
from ..definition.values import as_text
from .model import Plan, TaskPlan, Upstream

MAX_STEPS = 25  # more rows are no help, and every serialized DAG contains the text
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+!|<>~])")
_TRUE_IF = "True if "
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


def escape(text: str) -> str:
    """``text`` with all Markdown and HTML markup escaped."""
    return SPECIAL.sub(r"\\\1", text).replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")


def unescape(text: str) -> str:
    """The inverse of :func:`escape`."""
    return _ESCAPED.sub(r"\1", text.replace("&lt;", "\\<").replace("&gt;", "\\>").replace("&amp;", "&"))


def pipeline_doc(plan: Plan) -> str:
    """Description, parameters, steps with their conditions, a diagram, and the identity of the definition."""
    lines = []
    if plan.description:
        lines += [escape(plan.description), ""]
    if plan.parameters:
        lines += ["| Parameter | Type | Default | Description |", "|---|---|---|---|"]
        for parameter in plan.parameters:
            hidden = holds_secret(parameter.name, parameter.default)
            shown = "***" if hidden else json.dumps(parameter.default)
            default = "*required*" if parameter.required else f"`{_code(shown)}`"
            about = escape(parameter.description.replace("\n", " "))
            if parameter.enum:
                about = f"{about} One of: {', '.join(escape(as_text(choice)) for choice in parameter.enum)}.".strip()
            lines.append(f"| {escape(parameter.name)} | {parameter.type} | {default} | {about} |")
        lines.append("")
    lines += _steps(plan)
    lines.append(f"Definition `{_code(plan.source)}`, SHA-256 `{plan.definition_hash}`")
    return "\n".join(lines)


def _steps(plan: Plan) -> list[str]:
    steps = [task for task in plan.tasks if task.is_step]
    if len(steps) > MAX_STEPS:
        return [f"{len(steps)} steps: `sagemaker-mlops plan` shows them.", ""]
    from .show import mermaid

    lines = ["| Step | Type | After | What it does |", "|---|---|---|---|"]
    for task in steps:
        after = ", ".join(escape(_after(edge)) for edge in plan.edges_of(task))
        lines.append(f"| {escape(task.task_id)} | {task.step_type} | {after} | {_purpose(task)} |")
    return [*lines, "", "```mermaid", mermaid(plan), "```", ""]


def _after(edge: Upstream) -> str:
    return f"{edge.task_id} ({edge.label})" if edge.label else edge.task_id


def _purpose(task: TaskPlan) -> str:
    about = escape(task.description.replace("\n", " "))
    if task.step_type != "Condition":
        return about
    taken = [f"{side}: {', '.join(map(escape, names))}" for side, names in task.spec.branches.items()]
    return ". ".join(part for part in (about.removesuffix("."), f"`{_decides(task)}`", "; ".join(taken)) if part)


def step_doc(task: TaskPlan) -> str:
    """A step's description; of a Condition step, also its condition, which :func:`condition_in` reads.

    A condition behind a verdict has the step with the verdict for its description.
    """
    about = escape(task.description)
    if task.step_type != "Condition" or "." in task.task_id:
        return about
    return f"{about}\n\n{_TRUE_IF}`{_decides(task)}`".strip()


def condition_in(doc: str) -> str:
    """The condition in words in the documentation of a Condition step; "" if there is none."""
    _, found, words = doc.rpartition(f"{_TRUE_IF}`")
    return words.removesuffix("`").replace("\\|", "|") if found else ""


def _decides(task: TaskPlan) -> str:
    from ..definition.conditions import parse_conditions
    from ..definition.evaluate import in_words

    return _code(in_words(parse_conditions(task.spec.arguments.get("Conditions"), "Conditions")))


def _code(text: str) -> str:
    """``text`` for a code span inside a table cell."""
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
