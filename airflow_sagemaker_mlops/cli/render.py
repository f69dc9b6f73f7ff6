"""``render``: a definition as an Airflow Python file that people can go on editing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pprint import pformat
from typing import Any

from ..document.step_types import AIRFLOW
from ..plan.model import ParameterPlan, Plan, TaskPlan

JSON_TYPES = {"String": "string", "Integer": "integer", "Float": "number", "Boolean": "boolean"}
WIDTH = 110


def render(plan: Plan, dag_id: str) -> str:
    """Python text that makes the same DAG as the factory does of ``plan``.

    Raises ``ValueError`` for steps of other packages' operators whose arguments hold expressions.
    """
    names = _variables(plan)
    lines = [
        f'"""Rendered from {plan.source}; it is an ordinary DAG file now and can be edited."""',
        "",
        "from __future__ import annotations",
        "",
        *_imports(plan),
        "",
        f"with DAG({dag_id!r}, schedule=None, catchup=False, params={_params(plan)}) as dag:",
    ]
    for task in plan.tasks:
        lines += _task(task, names[task.task_id])
    lines += _edges(plan, names)
    return "\n".join(lines) + "\n"


def _variables(plan: Plan) -> dict[str, str]:
    names: dict[str, str] = {}
    for task in plan.tasks:
        plain = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", task.task_id)).lower().strip("_") or "step"
        plain = (
            f"step_{plain}" if plain[0].isdigit() or plain in ("dag", "label", "if", "else", "class", "pass") else plain
        )
        number = 2
        unique = plain
        while unique in names.values():
            unique, number = f"{plain}_{number}", number + 1
        names[task.task_id] = unique
    return names


def _imports(plan: Plan) -> Iterator[str]:
    ours = {"Verdict": "PipelineVerdictOperator", "Gate": "PipelineGateOperator"}
    own = {
        ours.get(task.step_type, f"{task.step_type}StepOperator") for task in plan.tasks if task.step_type != AIRFLOW
    }
    foreign = {str(task.spec["Operator"]).rpartition(".")[::2] for task in plan.tasks if task.step_type == AIRFLOW}
    sdk = ["DAG", *(["Label"] if any(e.label for t in plan.tasks for e in t.upstream) else [])]
    sdk += ["Param"] if plan.parameters else []
    for module, name in sorted(foreign):
        yield f"from {module} import {name}"
    yield f"from airflow.sdk import {', '.join(sdk)}"
    yield ""
    yield "from airflow_sagemaker_mlops.operators import ("
    yield from (f"    {name}," for name in sorted(own))
    yield ")"


def _params(plan: Plan) -> str:
    if not plan.parameters:
        return "{}"
    rows = "".join(f"\n        {parameter.name!r}: {_param(parameter)}," for parameter in plan.parameters)
    return "{" + rows + "\n    }"


def _param(parameter: ParameterPlan) -> str:
    words = [] if parameter.required else [repr(parameter.default)]
    words += [f"type={JSON_TYPES[parameter.type]!r}", f"title={parameter.name!r}"]
    if parameter.enum:
        words.append(f"enum={list(parameter.enum)!r}")
    if parameter.description:
        words.append(f"description_md={parameter.description!r}")
    if parameter.required and parameter.type == "String":
        words.append("minLength=1")
    return f"Param({', '.join(words)})"


def _task(task: TaskPlan, name: str) -> list[str]:
    options: dict[str, Any] = {"task_id": task.task_id}
    if task.display_name:
        options["task_display_name"] = task.display_name
    if task.description:
        options["doc_md"] = task.description
    spec = dict(task.spec)
    match task.step_type:
        case "Verdict":
            operator = "PipelineVerdictOperator"
            options |= {"steps": spec["Steps"], "handlers": spec.get("Handlers") or {}, "last_of_dag": True}
        case "Gate":
            operator = "PipelineGateOperator"
            options["triggers"] = spec["Triggers"]
        case "x-airflow":
            operator = str(spec["Operator"]).rpartition(".")[2]
            arguments = spec.get("Arguments") or {}
            if '{"Get":' in json.dumps(arguments) or '{"Std:' in json.dumps(arguments):
                what = "its arguments hold expressions, which an operator of another package cannot take by hand"
                raise ValueError(f'step "{task.task_id}": {what}.')
            options |= arguments
        case _:
            operator = f"{task.step_type}StepOperator"
            options["arguments"] = spec.pop("Arguments", {})
            options["outputs"] = spec.pop("Outputs", [])
            branches = spec.pop("Branches", None)
            if branches is not None:
                options["branches"] = branches
            if spec:
                options["settings"] = spec
    return ["", f"    {name} = {operator}(", *_keywords(options), "    )"]


def _keywords(options: dict[str, Any]) -> Iterator[str]:
    for key, value in options.items():
        first, *rest = pformat(value, width=WIDTH, sort_dicts=False).splitlines()
        pad = " " * (8 + len(key) + 1)
        yield "\n".join([f"        {key}={first}", *(pad + line for line in rest)]) + ","


def _edges(plan: Plan, names: dict[str, str]) -> Iterator[str]:
    yield ""
    for task in plan.tasks:
        plain = [names[edge.task_id] for edge in task.upstream if not edge.label]
        if len(plain) == 1:
            yield f"    {plain[0]} >> {names[task.task_id]}"
        elif plain:
            yield f"    [{', '.join(plain)}] >> {names[task.task_id]}"
        for edge in task.upstream:
            if edge.label:
                yield f"    {names[edge.task_id]} >> Label({edge.label!r}) >> {names[task.task_id]}"
