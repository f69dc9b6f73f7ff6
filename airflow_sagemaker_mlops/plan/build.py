"""Definition -> :class:`Plan`, cached by text within a process.

One DAG file often makes many DAGs from one definition, e.g. one per customer or region; the document is then parsed,
checked and planned only for the first.  A refused text is read again each time, to raise a new error.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..definition import load_pipeline
from ..definition.model import Get, JsonGet, Parameter, Pipeline, Step, walk_expressions
from ..definition.read.load import read_text
from ..definition.step_types import VERDICT_BRANCHES, syntax_of
from .edges import references, status_task, topological, upstream_of
from .model import RUN_CONDITION_SUFFIX, ParameterPlan, Plan, TaskPlan, Upstream
from .spec import NO_SPEC, BodyStep, Outputs, ParameterSlot, Side, StepSpec

if TYPE_CHECKING:
    from ..json_types import Json, JsonObject

MAX_TEXTS = 16
NOT_IN_SPEC = frozenset({"Name", "Type", "DependsOn", "DisplayName", "Description", "x-airflow", "Arguments"})
NESTED = frozenset({"IfSteps", "ElseSteps", "ForEachBody"})
# A block that the SDK writes into every document; a spec has one word in its place.
DEFAULT_EXPERIMENT = {
    "ExperimentName": {"Get": "Execution.PipelineName"},
    "TrialName": {"Get": "Execution.PipelineExecutionId"},
}


def plan_of(definition: object, base_dir: Path | None = None) -> Plan:
    """The plan of ``definition``, as :func:`~airflow_sagemaker_mlops.definition.load_pipeline` takes it.

    Raises :class:`~airflow_sagemaker_mlops.definition.problems.PipelineError`.
    """
    if isinstance(definition, Mapping):
        return make_plan(load_pipeline(definition))
    return _plan_of_text(*read_text(definition, base_dir, None))


@functools.lru_cache(maxsize=MAX_TEXTS)
def _plan_of_text(text: str, name: str) -> Plan:
    return make_plan(load_pipeline(text.encode(), name=name))


def make_plan(pipeline: Pipeline) -> Plan:
    """The plan of ``pipeline``: steps in topological order with their run conditions, and the status task."""
    specs = _Specs(pipeline)
    reads, steps = specs.references.reads, pipeline.by_name
    outer = [step for step in pipeline.steps if step.branch != "ForEachBody"]
    for step in outer:
        for name in step.body:  # a loop starts when every step of its body can
            reads[step.name] |= {read for read in reads[name] if read not in step.body}
    edges = {step.name: upstream_of(step, reads[step.name]) for step in outer}
    for step in outer:
        edges[step.name] = _with_body(edges[step.name], [steps[name] for name in step.body])
    guarded = {
        name: name + RUN_CONDITION_SUFFIX for name, into in edges.items() if any(e.trigger != "Completed" for e in into)
    }
    tasks: list[TaskPlan] = []
    for name in topological([step.name for step in outer], edges):
        into = edges[name]
        if name in guarded:
            tasks.append(_run_condition_task(name, into))
            into = (Upstream(guarded[name], "", "run_condition"),)
        step = steps[name]
        tasks.append(
            TaskPlan(
                task_id=name,
                step_type=step.type,
                display_name=step.display_name,
                description=step.description,
                spec=specs.of(step, guarded),
                reads=tuple(sorted(reads[name])),
                upstream=into,
            )
        )
    if tasks:
        tasks.append(status_task(tasks))
    return Plan(
        source=pipeline.source,
        description=str(pipeline.airflow.get("Description") or pipeline.metadata.get("Description") or ""),
        definition_hash=definition_hash(pipeline.document),
        parameters=tuple(_parameter(parameter) for parameter in pipeline.parameters),
        tasks=tuple(tasks),
    )


def _with_body(edges: tuple[Upstream, ...], body: list[Step]) -> tuple[Upstream, ...]:
    """The edges into a loop, including those from outside steps that its body depends on."""
    names = {step.name for step in body}
    known = {edge.task_id for edge in edges}
    more = {d.step: Upstream(d.step, "", "explicit") for step in body for d in step.depends_on}
    return edges + tuple(edge for name, edge in more.items() if name not in names | known)


def _run_condition_task(step: str, edges: tuple[Upstream, ...]) -> TaskPlan:
    """The run condition of ``step``, which has all of the step's ``edges``.

    Rules: docs/language/control-flow.md#run-conditions.
    An Airflow trigger rule applies to all upstreams together; a definition has one trigger for each.  So such a step is
    downstream of a task that waits for every upstream to end, and lets the step run if each ended as requested.
    """
    return TaskPlan(step + RUN_CONDITION_SUFFIX, "RunCondition", f"{step}: when", "", NO_SPEC, (), edges)


def definition_hash(document: JsonObject) -> str:
    """SHA-256 of the document's canonical JSON, in hexadecimal.

    Null and empty metadata count as absent: the SDK writes them, people do not.
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


class _Specs:
    """Creates the specs of one pipeline's steps."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.references = references(pipeline)
        self._steps = pipeline.by_name
        self._declared = pipeline.parameters_by_name
        self._raw = _raw_steps(pipeline.document.get("Steps"))
        self._experiment = _present(pipeline.document.get("PipelineExperimentConfig"))
        self._mlflow = _present(pipeline.document.get("MlflowConfig")) or {}
        self._in_experiment, self._in_mlflow = _parameters_in(pipeline.experiment), _parameters_in(pipeline.mlflow)

    def of(self, step: Step, guarded: Mapping[str, str]) -> StepSpec:
        """The spec of ``step``; ``guarded`` maps steps of its branches to their run conditions."""
        raw, syntax = self._raw[step.name], syntax_of(step.type)
        arguments = _present(raw.get("Arguments")) if step.type in ("Condition", "ForEach") else raw.get("Arguments")
        body = {name: self._in_body(self._steps[name], step) for name in step.body}
        parameters = set(self.references.parameters[step.name])
        named = any(isinstance(r, Get) and r.root == "PipelineExperimentConfig" for r in step.references)
        experiment: JsonObject | Literal["default"] | None = None
        if self._experiment is not None and (named or syntax.in_experiments):
            experiment = "default" if self._experiment == DEFAULT_EXPERIMENT else self._experiment or None
            parameters |= self._in_experiment
        mlflow = self._mlflow if syntax.with_mlflow else {}
        if mlflow:
            parameters |= self._in_mlflow
        for child in body.values():  # children get their values from the loop
            parameters |= child.spec.parameters.keys()
        return StepSpec(
            arguments=_without_nested(step, arguments) if isinstance(arguments, Mapping) else {},
            settings={key: value for key, value in raw.items() if key not in NOT_IN_SPEC and _is_given(value)},
            branches=_branches(step, guarded) if step.type == "Condition" else {},
            body=body,
            outputs=self._outputs(step),
            experiment=experiment,
            mlflow=mlflow,
            parameters={name: _slot(self._declared[name]) for name in sorted(parameters)},
            files=_files(step, self._steps),
        )

    def _in_body(self, step: Step, loop: Step) -> BodyStep:
        after = {d.step for d in step.depends_on} | self.references.reads[step.name]
        return BodyStep(step.type, self.of(step, {}), tuple(sorted(after & set(loop.body))))

    def _outputs(self, step: Step) -> Outputs:
        outputs = self.references.outputs[step.name]
        return "all" if "" in outputs else tuple(sorted(outputs))  # "": the whole Describe response


def _is_given(value: Json) -> bool:
    return value is not None and value not in ({}, [])


def _present(block: Json) -> JsonObject | None:
    """A block of the document without its nulls; ``None`` if the block itself is null or absent."""
    if not isinstance(block, Mapping):
        return None
    return {key: value for key, value in block.items() if value is not None}


def _without_nested(step: Step, arguments: JsonObject) -> JsonObject:
    if step.type not in ("Condition", "ForEach"):
        return arguments
    return {key: value for key, value in arguments.items() if key not in NESTED}


def _branches(step: Step, guarded: Mapping[str, str]) -> dict[Side, list[str]]:
    branches: dict[Side, tuple[str, ...]] = {"If": step.if_steps, "Else": step.else_steps}
    return {side: [guarded.get(name, name) for name in names] for side, names in branches.items() if names}


def _parameters_in(block: object) -> set[str]:
    return {e.name for e in walk_expressions(block or {}) if isinstance(e, Get) and e.root == "Parameters"}


def _raw_steps(items: Json) -> dict[str, JsonObject]:
    """Every step as written, by name, including nested ones; a step with a verdict as those that replace it."""
    found: dict[str, JsonObject] = {}
    judging: list[JsonObject] = []
    stack = [items]
    while stack:
        for item in _rows(stack.pop()):
            found[str(item["Name"])] = item
            arguments = item.get("Arguments")
            if item["Type"] in ("Condition", "ForEach") and isinstance(arguments, Mapping):
                stack.extend(arguments.get(key) for key in NESTED)
            elif item["Type"] in VERDICT_BRANCHES:
                judging.append(item)
                stack.extend(item.get(key) for key in VERDICT_BRANCHES[str(item["Type"])])
    if judging:
        from ..definition.verdict_step import raw_steps  # few documents have one

        for item in judging:
            found.update(raw_steps(item, found))
    return found


def _rows(items: Json) -> list[JsonObject]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list | tuple) else []


def _slot(parameter: Parameter) -> ParameterSlot:
    return ParameterSlot(parameter.type, parameter.default)


def _files(step: Step, steps: Mapping[str, Step]) -> dict[str, dict[str, dict[str, str]]]:
    files: dict[str, dict[str, dict[str, str]]] = {}
    for expression in step.references:
        if isinstance(expression, JsonGet) and expression.step is not None:
            for file in steps[expression.step].property_files:
                if file.name == expression.property_file:
                    entry = {"OutputName": file.output, "FilePath": file.path}
                    files.setdefault(expression.step, {})[file.name] = entry
    return {step_name: dict(sorted(entries.items())) for step_name, entries in sorted(files.items())}
