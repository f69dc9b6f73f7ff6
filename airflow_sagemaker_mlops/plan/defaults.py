"""Replaces the parameter defaults of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .model import Plan
from .spec import Scalar


def with_defaults(plan: Plan, defaults: Mapping[str, Scalar | None]) -> Plan:
    """``plan`` with ``defaults`` by parameter name, in its parameters and in its steps' specs."""
    parameters = (
        replace(p, default=defaults[p.name], required=False) if p.name in defaults else p for p in plan.parameters
    )
    tasks = (replace(task, spec=task.spec.with_defaults(defaults)) for task in plan.tasks)
    return replace(plan, parameters=tuple(parameters), tasks=tuple(tasks))
