"""A plan with other defaults of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .model import Plan
from .spec import Scalar


def with_defaults(plan: Plan, defaults: Mapping[str, Scalar | None]) -> Plan:
    """``plan`` whose parameters, and whose steps' slices of them, have ``defaults`` by parameter name."""
    parameters = (
        replace(p, default=defaults[p.name], required=False) if p.name in defaults else p for p in plan.parameters
    )
    tasks = (replace(task, spec=task.spec.with_defaults(defaults)) for task in plan.tasks)
    return replace(plan, parameters=tuple(parameters), tasks=tuple(tasks))
