"""``render``: converts a definition to an Airflow Python file that people can edit."""

from __future__ import annotations

import builtins
import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from pprint import pformat
from typing import Any

from ..definition.expressions import MARKS
from ..definition.model import Pipeline
from ..definition.problems import PipelineError, Problem, key_text
from ..definition.step_types import AIRFLOW, operator_name
from ..plan.edges import needed_edges
from ..plan.model import ParameterPlan, Plan, TaskPlan
from ..templates import is_template

JSON_TYPES = {"String": "string", "Integer": "integer", "Float": "number", "Boolean": "boolean"}
WIDTH = 110
SDK = ("DAG", "Label", "Param", "literal")
OURS = {"Status": "PipelineStatusOperator", "RunCondition": "RunConditionOperator"}
BY_HAND = (
    "Write {{ params.Name }} for a parameter, which Airflow renders in templated arguments; for any other expression "
    "keep the definition and its SageMakerPipelineDag."
)


class NotRendered(PipelineError):
    """The document is valid, but its DAG cannot be written as Python."""

    headline = "cannot be rendered"


def render(plan: Plan, dag_id: str) -> str:
    """Python source for the DAG that the factory builds from ``plan``, which has no :func:`unrenderable` steps."""
    classes = _classes(plan)
    names = _variables(plan, {"dag", *SDK, *classes.values()})
    lines = [
        _docstring(f"Rendered from {plan.source}; it is an ordinary DAG file that you can edit."),
        "",
        "from __future__ import annotations",
        "",
        *_imports(plan, classes),
        "",
        f"with DAG({dag_id!r}, schedule=None, catchup=False, params={_params(plan)}) as dag:",
    ]
    for task in plan.tasks:
        lines += _task(plan, task, names[task.task_id], classes[_operator(task)])
    lines += _edges(plan, names) if plan.tasks else ["    pass  # the definition has no steps"]
    return "\n".join(lines) + "\n"


def unrenderable(pipeline: Pipeline, plan: Plan) -> Iterator[Problem]:
    """SM303: steps of another package's operators that cannot be written as Python."""
    for task in plan.tasks:
        if task.step_type != AIRFLOW:
            continue
        where, path = pipeline.by_name[task.task_id].where, _operator(task)
        if any(keyword.iskeyword(word) for word in path.split(".")):
            what = f'"{path}" contains a Python keyword, so it cannot be imported.'
            yield Problem("SM303", f"{where}.Operator", what, "Give the operator a name in another module.")
        for place in _expressions(task.spec.arguments, f"{where}.Arguments"):
            what = f'step "{task.task_id}" has an expression here, which only a DAG that keeps the definition resolves.'
            yield Problem("SM303", place, what, BY_HAND)


def _expressions(value: object, where: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)) in MARKS:
            yield where
        else:
            for key, item in value.items():
                yield from _expressions(item, where + key_text(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _expressions(item, f"{where}[{index}]")


def _docstring(text: str) -> str:
    # A file name may contain any bytes.
    plain = text.encode("utf-8", "backslashreplace").decode().replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{plain}"""'


def _operator(task: TaskPlan) -> str:
    """The name of our operator class, or the dotted path of another package's."""
    if task.step_type == AIRFLOW:
        return task.spec.operator
    return OURS.get(task.step_type) or operator_name(task.step_type)


def _classes(plan: Plan) -> dict[str, str]:
    """{operator: its name in the file}; our and Airflow's operators keep their names, others are renamed on a clash."""
    operators = {_operator(task): task.step_type == AIRFLOW for task in plan.tasks}
    names = {operator: operator for operator, foreign in operators.items() if not foreign}
    for path in sorted(operator for operator, foreign in operators.items() if foreign):
        names[path] = _free(path.rpartition(".")[2], {"dag", *SDK, *names.values()})
    return names


def _variables(plan: Plan, taken: set[str]) -> dict[str, str]:
    """{task id: variable}; none shadows another name of the file or a Python builtin."""
    names: dict[str, str] = {}
    for task in plan.tasks:
        plain = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", task.task_id)).lower().strip("_") or "step"
        reserved = keyword.iskeyword(plain) or plain in taken or hasattr(builtins, plain) or plain == "label"
        if reserved or not plain.isidentifier():
            plain = f"step_{plain}"
        names[task.task_id] = _free(plain, {*taken, *names.values()})
    return names


def _free(name: str, taken: Iterable[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _imports(plan: Plan, classes: Mapping[str, str]) -> Iterator[str]:
    for path in sorted({_operator(task) for task in plan.tasks if task.step_type == AIRFLOW}):
        module, _, name = path.rpartition(".")
        yield f"from {module} import {name}" + (f" as {classes[path]}" if classes[path] != name else "")
    sdk = ["DAG", *(["Label"] if any(e.label for t in plan.tasks for e in t.upstream) else [])]
    sdk += ["Param"] if plan.parameters else []
    ours = (json.dumps(task.spec.to_json()) for task in plan.tasks if task.step_type != AIRFLOW)
    sdk += ["literal"] if any(is_template(text) for text in ours) else []
    yield f"from airflow.sdk import {', '.join(sdk)}"
    own = sorted({_operator(task) for task in plan.tasks if task.step_type != AIRFLOW})
    if own:
        yield ""
        yield "from airflow_sagemaker_mlops.operators import ("
        yield from (f"    {name}," for name in own)
        yield ")"


def _params(plan: Plan) -> str:
    if not plan.parameters:
        return "{}"
    from ..factory.parameters import helps_of

    helps = helps_of(plan)
    rows = "".join(
        f"\n        {parameter.name!r}: {_param(parameter, helps.get(parameter.name))},"
        for parameter in plan.parameters
    )
    return "{" + rows + "\n    }"


def _param(parameter: ParameterPlan, about: str | None) -> str:
    words = [] if parameter.required else [repr(parameter.default)]
    words += [f"type={JSON_TYPES[parameter.type]!r}", f"title={parameter.name!r}"]
    if parameter.enum:
        words.append(f"enum={list(parameter.enum)!r}")
    if parameter.description:
        words.append(f"description_md={parameter.description!r}")
    if about:
        words.append(f"description={about!r}")
    if parameter.required and parameter.type == "String":
        words.append("minLength=1")
    return f"Param({', '.join(words)})"


def _task(plan: Plan, task: TaskPlan, name: str, operator: str) -> list[str]:
    options: dict[str, Any] = {"task_id": task.task_id}
    if task.display_name:
        options["task_display_name"] = task.display_name
    if task.description:
        options["doc_md"] = task.description
    match task.step_type:
        case "Status":
            options |= {"steps": plan.step_types, "handlers": plan.handlers, "last_of_dag": True}
        case "RunCondition":
            options["triggers"] = task.triggers
        case "x-airflow":
            options |= task.spec.arguments
        case _:
            spec = _data(task.spec.to_json())  # an operator would render text that looks like a template
            options["arguments"] = spec.pop("Arguments", {})
            options["outputs"] = spec.pop("Outputs", [])
            branches = spec.pop("Branches", None)
            if branches is not None:
                options["branches"] = branches
            if spec:
                options["settings"] = spec
    return ["", f"    {name} = {operator}(", *_keywords(options), "    )"]


class _Literal(str):
    """Text of a document that Airflow would render in an operator's argument."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"literal({str.__repr__(self)})"


def _data(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_data(item) for item in value]
    return _Literal(value) if is_template(value) else value


def _keywords(options: Mapping[str, object]) -> Iterator[str]:
    for key, value in options.items():
        is_name = key.isidentifier() and not keyword.iskeyword(key)
        start, end = (f"{key}=", "") if is_name else (f"**{{{key!r}: ", "}")
        first, *rest = pformat(value, width=WIDTH, sort_dicts=False).splitlines()
        pad = " " * (8 + len(start))
        yield "\n".join([f"        {start}{first}", *(pad + line for line in rest)]) + end + ","


def _edges(plan: Plan, names: dict[str, str]) -> Iterator[str]:
    yield ""
    needed = needed_edges(plan.tasks)
    for task in plan.tasks:
        plain = [names[edge.task_id] for edge in needed[task.task_id] if not edge.label]
        if len(plain) == 1:
            yield f"    {plain[0]} >> {names[task.task_id]}"
        elif plain:
            yield f"    [{', '.join(plain)}] >> {names[task.task_id]}"
        for edge in needed[task.task_id]:
            if edge.label:
                yield f"    {names[edge.task_id]} >> Label({edge.label!r}) >> {names[task.task_id]}"
