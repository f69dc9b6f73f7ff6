"""Generates stubs for a whole plan, such that every reference and every condition finds a usable value.

A rehearsal takes the branches that build most: those with the fewest Fail steps, then with the most steps.  Conditions
that depend only on parameters keep their outcome.  Users can name another branch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Literal

from ...definition.conditions import parse_conditions
from ...definition.evaluate import IncomparableValues, evaluate
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
from ...definition.values import as_text
from ...plan.model import Plan, TaskPlan, Upstream
from .run import BELOW

Branch = Literal["If", "Else"]
A_NUMBER = 1.0
MOST_TRIED = 10  # up to this many conditions, every combination of branches is tried; beyond it, one after another
NO_VALUES: Mapping[str, Any] = {}


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
    values = _values(plan, parameters)
    taken = chosen(plan, branches, parameters)
    for task in plan.tasks:
        for read, value in _reads(task, values, taken):
            where = _source(read, values, execution)
            if where is not None:
                step, *keys, file = where
                files = table.setdefault(step, {})
                for key in keys:
                    files = files.setdefault(key, {})
                files[file] = _with(files.get(file), list(read.path), value)
    decided = decided_by_parameters(plan, parameters)
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
    values = _values(plan, parameters)
    taken = chosen(plan, branches, parameters)
    for task in plan.tasks:
        for read, value in _reads(task, values, taken):
            uri = _text(read.s3_uri, values, execution) if read.s3_uri is not None else None
            if uri is not None:
                files[uri] = _with(files.get(uri), list(read.path), value)
    return files


def _values(plan: Plan, parameters: Mapping[str, object]) -> dict[str, Any]:
    return {one.name: parameters.get(one.name, one.default) for one in plan.parameters}


def _text(value: object, values: Mapping[str, object], execution: Mapping[str, str]) -> str | None:
    """The value of ``value`` before any step has run; ``None`` if it depends on steps."""
    match value:
        case Join(on=on, values=parts):
            texts = [_text(part, values, execution) for part in parts]
            return None if None in texts else on.join(text for text in texts if text is not None)
        case Get(root="Parameters", name=name):
            return None if values.get(name) is None else as_text(values[name])
        case Get(root="Execution", name=name):
            return execution.get(name)
        case Get() | JsonGet():
            return None
        case _:
            return as_text(value)


# -- branches --------------------------------------------------------------------------------------------------------


def conditions_of(plan: Plan) -> list[str]:
    """Names of the Condition steps."""
    return [task.task_id for task in plan.tasks if task.step_type == "Condition"]


def chosen(
    plan: Plan, branches: Mapping[str, Branch] = NO_VALUES, parameters: Mapping[str, object] = NO_VALUES, must: str = ""
) -> dict[str, Branch]:
    """``{Condition: branch}`` that builds most, with the given ``branches``.

    must   a step that has to run; its conditions are chosen for that first
    """
    fixed = {**decided_by_parameters(plan, parameters), **branches}
    open_ = [name for name in conditions_of(plan) if name not in fixed]
    start: dict[str, Branch] = {**dict.fromkeys(open_, "If"), **fixed}

    def worth(choice: Mapping[str, Branch]) -> tuple[bool, int, int]:
        running = _running(plan, choice)
        fails = sum(task.step_type == "Fail" for task in running)
        size = sum(1 + len(task.spec.body) for task in running)
        return (not must or any(task.task_id == must for task in running)), -fails, size

    if len(open_) <= MOST_TRIED:
        ways: Iterator[tuple[Branch, ...]] = product(("If", "Else"), repeat=len(open_))
        return max(({**start, **dict(zip(open_, way, strict=True))} for way in ways), key=worth)
    best, better = start, True
    while better:
        better = False
        for name in open_:
            other: dict[str, Branch] = {**best, name: "Else" if best[name] == "If" else "If"}
            if worth(other) > worth(best):
                best, better = other, True
    return best


def all_branches(plan: Plan, parameters: Mapping[str, object] = NO_VALUES) -> list[dict[str, Branch]]:
    """Choices that together take every reachable branch; each takes at least one new branch."""
    choices = [chosen(plan, parameters=parameters)]
    taken = _taken(plan, choices[0])
    for name in conditions_of(plan):
        for branch in ("If", "Else"):
            if (name, branch) not in taken:
                fixed: dict[str, Branch] = {name: branch}
                choice = chosen(plan, fixed, parameters, must=name)
                if (name, branch) in _taken(plan, choice):
                    choices.append(choice)
                    taken |= _taken(plan, choice)
    return choices


def _taken(plan: Plan, choice: Mapping[str, Branch]) -> set[tuple[str, str]]:
    return {(task.task_id, choice[task.task_id]) for task in _running(plan, choice) if task.step_type == "Condition"}


def _running(plan: Plan, choice: Mapping[str, Branch]) -> list[TaskPlan]:
    """The steps that run if all succeed."""
    runs: dict[str, bool] = {}
    for task in plan.tasks:
        runs[task.task_id] = all(_lets_run(edge, runs, choice) for edge in task.upstream)
    return [task for task in plan.tasks if runs[task.task_id] and task.is_step]


def _lets_run(edge: Upstream, runs: Mapping[str, bool], choice: Mapping[str, Branch]) -> bool:
    if edge.label in ("If", "Else") and choice.get(edge.task_id, edge.label) != edge.label:
        return False
    return runs.get(edge.task_id, False) and edge.trigger not in ("Failed", "Stopped")


def decided_by_parameters(plan: Plan, parameters: Mapping[str, object] = NO_VALUES) -> dict[str, Branch]:
    """``{Condition: branch}`` of the conditions that compare only parameters and literals."""
    values = _values(plan, parameters)
    found: dict[str, Branch] = {}
    for task in plan.tasks:
        if task.step_type != "Condition":
            continue
        nodes = _conditions(task)
        reads = list(walk_expressions(nodes))
        if any(isinstance(one, JsonGet) or (isinstance(one, Get) and one.root != "Parameters") for one in reads):
            continue
        try:
            outcome = evaluate(nodes, lambda value: _known(value, values))
        except IncomparableValues:  # the run will report it
            continue
        found[task.task_id] = "If" if outcome.value else "Else"
    return found


def _known(value: object, values: Mapping[str, object]) -> Any:
    match value:
        case Get(name=name):
            return values.get(name)
        case Join():
            return _text(value, values, {})
        case _:
            return value


def _conditions(task: TaskPlan) -> tuple[ConditionNode, ...]:
    return parse_conditions(task.spec.arguments.get("Conditions") or [], "Conditions")


# -- values ----------------------------------------------------------------------------------------------------------


def _source(read: JsonGet, values: Mapping[str, object], execution: Mapping[str, str]) -> tuple[str, ...] | None:
    """(step, keys in its stub, file) that a ``JsonGet`` reads; ``None`` if it does not come from a single step."""
    if read.step is not None:
        return read.step, "PropertyFiles", str(read.property_file)
    match read.s3_uri:
        case Join(on=on, values=(Get(root="Steps", name=step, path=path), *rest)):
            below = _text(Join(on, tuple(rest)), values, execution)
            if below is not None:
                return step, BELOW, format_path(path), below.lstrip("/")
    return None


def _reads(task: TaskPlan, values: Mapping[str, object], taken: Mapping[str, Branch]) -> Iterator[tuple[JsonGet, Any]]:
    if task.step_type == "Condition":
        for node in _conditions(task):
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
                yield left, _beside(_worth(right, values), op, wanted)
            if isinstance(right, JsonGet):
                yield right, _beside(_worth(left, values), MIRRORED.get(op, op), wanted)
        case Membership(op=op, query=query, values=members):
            known = [_worth(value, values) for value in members if not isinstance(value, JsonGet)]
            among = known[0] if known else A_NUMBER
            if isinstance(query, JsonGet):
                yield query, among if wanted is (op == "In") else _beside(among, "Equals", False)
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


def _beside(value: object, op: str, wanted: bool) -> Any:
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
