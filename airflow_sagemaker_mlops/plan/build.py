"""Pipeline -> :class:`Plan`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..document.model import JsonGet, Parameter, Pipeline, Step
from .edges import references, upstream_of
from .model import VERDICT_TASK_ID, ParameterPlan, Plan, TaskPlan, Upstream
from .verdict import verdict_upstream

NOT_IN_SPEC = frozenset({"Name", "Type", "DependsOn", "DisplayName", "Description", "x-airflow"})
NESTED = frozenset({"IfSteps", "ElseSteps", "ForEachBody"})


def make_plan(pipeline: Pipeline) -> Plan:
    """The plan of ``pipeline``: its steps in topological order, then the verdict."""
    reads, outputs, parameters = references(pipeline)
    declared = pipeline.parameters_by_name
    steps = pipeline.by_name
    edges = {step.name: upstream_of(step, reads[step.name]) for step in pipeline.steps}
    raw = dict(_raw_steps(pipeline.document.get("Steps")))
    tasks = []
    for name in _topological([step.name for step in pipeline.steps], edges):
        step = steps[name]
        spec = _spec(step, raw[name], sorted(outputs[name]))
        if parameters[name]:
            spec["Parameters"] = {key: _declaration(declared[key]) for key in sorted(parameters[name])}
        files = _files(step, steps)
        if files:
            spec["Files"] = files
        tasks.append(
            TaskPlan(
                task_id=name,
                step_type=step.type,
                display_name=step.display_name,
                description=step.description,
                spec=spec,
                reads=tuple(sorted(reads[name])),
                upstream=edges[name],
            )
        )
    if tasks:
        tasks.append(_verdict(tasks))
    return Plan(
        source=pipeline.source,
        description=str(pipeline.airflow.get("Description") or pipeline.metadata.get("Description") or ""),
        definition_hash=definition_hash(pipeline.document),
        parameters=tuple(_parameter(parameter) for parameter in pipeline.parameters),
        tasks=tuple(tasks),
    )


def definition_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 of the document's canonical JSON, in hexadecimal.

    A null is as good as absent, and so is empty metadata: the SDK writes them, people do not.
    """
    meant = {key: value for key, value in document.items() if not (value is None or (key == "Metadata" and not value))}
    text = json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _raw_steps(items: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every step of the document as it was written, nested ones included."""
    stack = [items]
    while stack:
        for item in stack.pop() or ():
            yield item["Name"], item
            arguments = item.get("Arguments")
            if item["Type"] == "Condition" and isinstance(arguments, Mapping):
                stack.extend(arguments.get(key) for key in ("IfSteps", "ElseSteps"))


def _spec(step: Step, raw: Mapping[str, Any], outputs: list[str]) -> dict[str, Any]:
    spec = {key: value for key, value in raw.items() if key not in NOT_IN_SPEC and value is not None}
    if step.type == "Condition":
        arguments = raw.get("Arguments") or {}
        spec["Arguments"] = {key: value for key, value in arguments.items() if key not in NESTED and value is not None}
        branches = {"If": list(step.if_steps), "Else": list(step.else_steps)}
        spec["Branches"] = {side: names for side, names in branches.items() if names}
    if outputs:
        # A reference to the whole step wants everything Describe says.
        spec["Outputs"] = "all" if "" in outputs else outputs
    return {key: value for key, value in spec.items() if value not in ({}, [])}


def _declaration(parameter: Parameter) -> dict[str, Any]:
    declared: dict[str, Any] = {"Type": parameter.type}
    if parameter.default is not None:
        declared["DefaultValue"] = parameter.default
    return declared


def _files(step: Step, steps: Mapping[str, Step]) -> dict[str, dict[str, dict[str, str]]]:
    files: dict[str, dict[str, dict[str, str]]] = {}
    for expression in step.references:
        if isinstance(expression, JsonGet) and expression.step is not None:
            for file in steps[expression.step].property_files:
                if file.name == expression.property_file:
                    entry = {"OutputName": file.output, "FilePath": file.path}
                    files.setdefault(expression.step, {})[file.name] = entry
    return {step_name: dict(sorted(entries.items())) for step_name, entries in sorted(files.items())}


def _topological(names: list[str], edges: Mapping[str, tuple[Upstream, ...]]) -> list[str]:
    """``names`` with every step behind what it waits for; otherwise in document order."""
    order: list[str] = []
    done: set[str] = set()
    for name in names:
        stack = [name]
        while stack:
            current = stack[-1]
            waiting = [edge.task_id for edge in edges[current] if edge.task_id not in done]
            if waiting and current not in done:
                stack.append(waiting[0])
                continue
            stack.pop()
            if current not in done:
                done.add(current)
                order.append(current)
    return order


def _verdict(tasks: list[TaskPlan]) -> TaskPlan:
    return TaskPlan(
        task_id=VERDICT_TASK_ID,
        step_type="Verdict",
        display_name="verdict",
        description="",
        spec={"Steps": {task.task_id: task.step_type for task in tasks}},
        reads=(),
        upstream=tuple(Upstream(name, "", "verdict") for name in verdict_upstream(tasks)),
    )


def _parameter(parameter: Parameter) -> ParameterPlan:
    return ParameterPlan(
        name=parameter.name,
        type=parameter.type,
        default=parameter.default,
        required=parameter.default is None,
        enum=parameter.enum,
        description=parameter.description,
    )
