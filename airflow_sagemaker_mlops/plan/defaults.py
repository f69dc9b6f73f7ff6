"""A plan with other defaults of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .model import Plan


def with_defaults(plan: Plan, defaults: Mapping[str, Any]) -> Plan:
    """``plan`` whose parameters, and whose steps' slices of them, have ``defaults`` by parameter name."""
    parameters = (
        replace(p, default=defaults[p.name], required=False) if p.name in defaults else p for p in plan.parameters
    )
    tasks = (replace(task, spec=_spec(task.spec, defaults)) for task in plan.tasks)
    return replace(plan, parameters=tuple(parameters), tasks=tuple(tasks))


def _spec(spec: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(spec)
    if "Parameters" in spec:
        changed["Parameters"] = {
            name: {**declared, "DefaultValue": defaults[name]} if name in defaults else declared
            for name, declared in spec["Parameters"].items()
        }
    if "Body" in spec:
        changed["Body"] = {name: _spec(child, defaults) for name, child in spec["Body"].items()}
    return changed
