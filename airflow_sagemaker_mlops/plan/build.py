"""Pipeline -> :class:`Plan`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..definition.model import Parameter, Pipeline, Step
from .edges import topological, upstream_of
from .model import GATE_SUFFIX, ParameterPlan, Plan, TaskPlan, Upstream
from .spec import Specs
from .status_edges import status_task


def make_plan(pipeline: Pipeline) -> Plan:
    """The plan of ``pipeline``: its steps in topological order, gates before the steps they guard, the status task."""
    specs = Specs(pipeline)
    reads, steps = specs.references.reads, pipeline.by_name
    outer = [step for step in pipeline.steps if step.branch != "ForEachBody"]
    for step in outer:
        for name in step.body:  # a loop begins when all of its body can
            reads[step.name] |= {read for read in reads[name] if read not in step.body}
    edges = {step.name: upstream_of(step, reads[step.name]) for step in outer}
    for step in outer:
        edges[step.name] = _with_body(edges[step.name], [steps[name] for name in step.body])
    gated = {name: name + GATE_SUFFIX for name, into in edges.items() if any(e.trigger != "Completed" for e in into)}
    tasks: list[TaskPlan] = []
    for name in topological([step.name for step in outer], edges):
        into = edges[name]
        if name in gated:
            from .gates import gate_task  # few documents have one

            tasks.append(gate_task(name, into))
            into = (Upstream(gated[name], "", "gate"),)
        step = steps[name]
        tasks.append(
            TaskPlan(
                task_id=name,
                step_type=step.type,
                display_name=step.display_name,
                description=step.description,
                spec=specs.of(step, gated),
                reads=tuple(sorted(reads[name])),
                upstream=into,
            )
        )
    if tasks:
        tasks.append(status_task(tasks, edges))
    return Plan(
        source=pipeline.source,
        description=str(pipeline.airflow.get("Description") or pipeline.metadata.get("Description") or ""),
        definition_hash=definition_hash(pipeline.document),
        parameters=tuple(_parameter(parameter) for parameter in pipeline.parameters),
        tasks=tuple(tasks),
    )


def _with_body(edges: tuple[Upstream, ...], body: list[Step]) -> tuple[Upstream, ...]:
    """The edges into a loop, with those that steps of its body name outside of it."""
    names = {step.name for step in body}
    known = {edge.task_id for edge in edges}
    more = {d.step: Upstream(d.step, "", "explicit") for step in body for d in step.depends_on}
    return edges + tuple(edge for name, edge in more.items() if name not in names | known)


def definition_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 of the document's canonical JSON, in hexadecimal.

    A null is as good as absent, and so is empty metadata: the SDK writes them, people do not.
    """
    meant = {key: value for key, value in document.items() if not (value is None or (key == "Metadata" and not value))}
    text = json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _parameter(parameter: Parameter) -> ParameterPlan:
    return ParameterPlan(
        name=parameter.name,
        type=parameter.type,
        default=parameter.default,
        required=parameter.default is None,
        enum=parameter.enum,
        description=parameter.description,
    )
