"""Generates stubs for a whole plan, such that every reference and every condition finds a usable value.

Which branches those are: ``branches.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...definition.expressions import parse_value
from ...definition.model import (
    Comparison,
    ConditionNode,
    Disjunction,
    Get,
    Join,
    JsonGet,
    Key,
    Membership,
    Negation,
    walk_expressions,
)
from ...definition.property_paths import format_path
from ...plan.model import Plan, TaskPlan
from .branches import (
    NO_VALUES,
    Branch,
    answers_for,
    chosen,
    condition_nodes,
    decided_by_parameters,
    known_text,
    running_steps,
    values_of,
)
from .run import BELOW

A_NUMBER = 1.0


def made_up(
    plan: Plan,
    branches: Mapping[str, Branch] = NO_VALUES,
    parameters: Mapping[str, object] = NO_VALUES,
    execution: Mapping[str, str] = NO_VALUES,
) -> dict[str, dict[str, Any]]:
    """``{step: stub}`` and ``"*"``: reports have a value wherever the plan reads one.

    branches     {Condition: the branch to take}; default: the branch that builds most
    parameters   values of the run that differ from the defaults
    execution    execution variables of the run, for files whose location contains one

    A value that is compared with a literal or a parameter is chosen to lead to the branch.
    """
    table: dict[str, dict[str, Any]] = {"*": {}}
    values = values_of(plan, parameters)
    taken = chosen(plan, branches, parameters)
    for task in _in_order(plan, taken):
        for read, value in _reads(task, values, taken):
            where = _source(read, values, execution)
            if where is not None:
                step, *keys, file = where
                files = table.setdefault(step, {})
                for key in keys:
                    files = files.setdefault(key, {})
                files[file] = _with(files.get(file), list(read.path), value)
    decided = decided_by_parameters(plan, parameters)
    for name, answer in answers_for(plan, taken, parameters).items():
        table.setdefault(name, {})["Properties"] = dict(answer)
    for name, branch in taken.items():
        if name not in decided or name in branches:
            table.setdefault(name, {})["Outcome"] = branch == "If"
    return table


def files_at_places(
    plan: Plan,
    execution: Mapping[str, str],
    branches: Mapping[str, Branch] = NO_VALUES,
    parameters: Mapping[str, object] = NO_VALUES,
) -> dict[str, Any]:
    """``{S3 URI: content}`` of the JSON files that the plan reads from locations that do not depend on steps."""
    files: dict[str, Any] = {}
    values = values_of(plan, parameters)
    taken = chosen(plan, branches, parameters)
    for task in _in_order(plan, taken):
        for read, value in _reads(task, values, taken):
            uri = known_text(read.s3_uri, values, execution) if read.s3_uri is not None else None
            if uri is not None:
                files[uri] = _with(files.get(uri), list(read.path), value)
    return files


def _in_order(plan: Plan, taken: Mapping[str, Branch]) -> Iterator[TaskPlan]:
    """All tasks; those that run come last, so that values for them overwrite those for the others."""
    running = {task.task_id for task in running_steps(plan, taken)}
    yield from sorted(plan.tasks, key=lambda task: task.task_id in running)


# -- values ----------------------------------------------------------------------------------------------------------


def _source(read: JsonGet, values: Mapping[str, object], execution: Mapping[str, str]) -> tuple[str, ...] | None:
    """(step, keys in its stub, file) that a ``JsonGet`` reads; ``None`` if it does not come from a single step."""
    if read.step is not None:
        return read.step, "PropertyFiles", str(read.property_file)
    match read.s3_uri:
        case Join(on=on, values=(Get(root="Steps", name=step, path=path), *rest)):
            below = known_text(Join(on, tuple(rest)), values, execution)
            if below is not None:
                return step, BELOW, format_path(path), below.lstrip("/")
    return None


def _reads(task: TaskPlan, values: Mapping[str, object], taken: Mapping[str, Branch]) -> Iterator[tuple[JsonGet, Any]]:
    if task.step_type == "Condition":
        for node in condition_nodes(task):
            yield from _compared(node, values, taken.get(task.task_id, "If") == "If")
        return
    specs = [task.spec, *(step.spec for step in task.spec.body.values())]
    for spec in specs:
        for expression in walk_expressions(parse_value(spec.arguments, free=True)):
            if isinstance(expression, JsonGet):
                yield expression, A_NUMBER


def _compared(node: ConditionNode, values: Mapping[str, object], wanted: bool) -> Iterator[tuple[JsonGet, Any]]:
    match node:
        case Comparison(op=op, left=left, right=right):
            if isinstance(left, JsonGet):
                yield left, _value_that(_worth(right, values), op, wanted)
            if isinstance(right, JsonGet):
                yield right, _value_that(_worth(left, values), MIRRORED.get(op, op), wanted)
        case Membership(op=op, query=query, values=members):
            known = [_worth(value, values) for value in members if not isinstance(value, JsonGet)]
            among = known[0] if known else A_NUMBER
            if isinstance(query, JsonGet):
                yield query, among if wanted is (op == "In") else _value_that(among, "Equals", False)
            yield from ((member, among) for member in members if isinstance(member, JsonGet))
        case Negation(condition=inner):
            yield from _compared(inner, values, not wanted)
        case Disjunction(conditions=inner_nodes):
            for inner in inner_nodes:
                yield from _compared(inner, values, wanted)


MIRRORED = {
    "GreaterThan": "LessThan",
    "LessThan": "GreaterThan",
    "GreaterThanOrEqualTo": "LessThanOrEqualTo",
    "LessThanOrEqualTo": "GreaterThanOrEqualTo",
}
# {operator: where the left side lies when it holds, and when it does not}: above, below or at the right side
SIDES = {
    "GreaterThan": (1, 0),
    "LessThan": (-1, 0),
    "GreaterThanOrEqualTo": (0, -1),
    "LessThanOrEqualTo": (0, 1),
    "Equals": (0, 1),
    "NotEquals": (1, 0),
}


def _value_that(value: object, op: str, wanted: bool) -> Any:
    """A value of the kind of ``value`` for which ``op value`` is ``wanted``."""
    side = SIDES[op][0 if wanted else 1]
    match value:
        case bool():
            return value if side == 0 else not value
        case int() | float():
            return value + side
        case str():
            return value if side == 0 else f"{value}~" if side > 0 else ""
        case _:
            return value


def _worth(value: object, values: Mapping[str, object]) -> Any:
    match value:
        case Get(root="Parameters", name=name):
            return values.get(name) if values.get(name) is not None else A_NUMBER
        case Get() | Join() | JsonGet():
            return A_NUMBER
        case _:
            return value


def _with(document: object, path: list[Any], value: object) -> Any:
    """``document`` with ``value`` at ``path``."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        items = list(document) if isinstance(document, list) else []
        items += [None] * (part + 1 - len(items))
        items[part] = _with(items[part], rest, value)
        return items
    name = part.name if isinstance(part, Key) else part
    members = dict(document) if isinstance(document, Mapping) else {}
    return {**members, name: _with(members.get(name), rest, value)}
