"""The definition of a DAG's pipelines, read from the serialized DAG, which exists before the first run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...definition.step_types import type_of_operator
from ...json_types import JsonObject
from ...plan.describe import condition_in, unescape
from ...reports.definition_view import DefinedStep
from ...runtime.step_task import StepTask
from .airflow_rows import as_object, serialized_dag

_OWN = {"PipelineStatusOperator": "Status", "RunConditionOperator": "RunCondition"}


def steps_of_dag(dag_id: str) -> list[DefinedStep]:
    """The tasks of the DAG in the order in which it was serialized, with the steps' own keys; empty for no DAG."""
    return steps_in(serialized_dag(dag_id))


def steps_in(dag: JsonObject) -> list[DefinedStep]:
    """The tasks of a serialized DAG."""
    labels = as_object(dag.get("edge_info"))
    tasks = dag.get("tasks")
    found = {step.name: (step, below) for step, below in map(_step, _tasks(tasks)) if step.name}
    after: dict[str, dict[str, str]] = {name: {} for name in found}
    for name, (_, below) in found.items():
        for target in below:
            if target in after:
                label = as_object(as_object(labels.get(name)).get(target)).get("label")
                after[target][name] = label if isinstance(label, str) else ""
    return [replace(step, after=after[name]) for name, (step, _) in found.items()]


def is_pipeline(steps: list[DefinedStep]) -> bool:
    """Whether any of the tasks is a step of a pipeline."""
    return any(step.type == "Status" for step in steps)


def _tasks(tasks: object) -> Iterator[JsonObject]:
    for task in tasks if isinstance(tasks, list) else ():
        given = as_object(task)
        yield as_object(given.get("__var")) or given


def _step(task: JsonObject) -> tuple[DefinedStep, list[str]]:
    operator = _text(task.get("task_type"))
    kind = _OWN.get(operator) or type_of_operator(operator) or operator
    doc = _text(task.get("doc_md"))
    below = task.get("downstream_task_ids")
    step = DefinedStep(
        name=_text(task.get("task_id")),
        type=kind,
        title=_text(task.get("_task_display_name") or task.get("task_display_name")),
        about=unescape(doc) if kind != operator else doc,  # this package writes escaped Markdown
        decides=condition_in(doc) if kind == "Condition" else "",
        settings=_settings(task),
    )
    return step, [name for name in below if isinstance(name, str)] if isinstance(below, list) else []


def _settings(task: JsonObject) -> JsonObject:
    """The step's keys in the definition if it starts in the triggerer; the serialized DAG has them only then."""
    arguments = as_object(as_object(task.get("start_trigger_args")).get("trigger_kwargs"))
    text = (as_object(arguments.get("__var")) or arguments).get("task")
    if not isinstance(text, str):
        return {}
    try:
        return StepTask.from_json(text).spec.to_json()
    except (ValueError, LookupError, TypeError, StopIteration):  # of another version of the package
        return {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
