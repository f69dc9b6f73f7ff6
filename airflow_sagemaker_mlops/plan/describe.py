"""Markdown for people out of a plan: the DAG's and the tasks' documentation in Airflow's UI.

Text of a definition is data: it is escaped, so that markup in a description is shown and not rendered.
"""

from __future__ import annotations

import json
import re

from ..document.secret_names import holds_secret
from .model import Plan, TaskPlan

SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


def escape(text: str) -> str:
    """``text`` with everything that Markdown or HTML would read as markup made plain."""
    return SPECIAL.sub(r"\\\1", text).replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")


def pipeline_doc(plan: Plan) -> str:
    """Description, parameter table and identity of the definition."""
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
                about = f"{about} One of: {', '.join(escape(choice) for choice in parameter.enum)}.".strip()
            lines.append(f"| {escape(parameter.name)} | {parameter.type} | {default} | {about} |")
        lines.append("")
    lines.append(f"Definition `{_code(plan.source)}`, SHA-256 `{plan.definition_hash}`")
    return "\n".join(lines)


def step_doc(task: TaskPlan) -> str:
    """A step's description."""
    return escape(task.description)


def _code(text: str) -> str:
    """``text`` for a code span inside a table cell."""
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
