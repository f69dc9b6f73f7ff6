"""Stand-ins for a whole plan, made up so that every reference and every condition finds something it can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..document.conditions import parse_conditions
from ..document.expressions import parse_value
from ..document.model import (
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
from ..plan.model import Plan, TaskPlan

A_NUMBER = 1.0


def made_up(plan: Plan) -> dict[str, dict[str, Any]]:
    """``{step: stand-in}`` and ``"*"``: reports hold a value wherever the plan reads one.

    A value that is compared with a literal or a parameter is equal to that, so that kinds agree.
    """
    table: dict[str, dict[str, Any]] = {"*": {}}
    defaults = {parameter.name: parameter.default for parameter in plan.parameters}
    for task in plan.tasks:
        for read, value in _reads(task, defaults):
            kind, step, file = _source(read)
            if step:
                files = table.setdefault(step, {}).setdefault(kind, {})
                files[file] = _with(files.get(file), list(read.path), value)
    return table


def _source(read: JsonGet) -> tuple[str, str, str]:
    """(member of the stand-in, step, file) that a ``JsonGet`` reads; no step when that cannot be told."""
    if read.step is not None:
        return "PropertyFiles", read.step, str(read.property_file)
    match read.s3_uri:
        case Join(values=(Get(root="Steps", name=step), *_, str(file))):
            return "Files", step, file
    return "Files", "", ""


def _reads(task: TaskPlan, defaults: Mapping[str, Any]) -> Iterator[tuple[JsonGet, Any]]:
    arguments = task.spec.get("Arguments") or {}
    if task.step_type == "Condition":
        for node in parse_conditions(arguments.get("Conditions") or [], "Conditions"):
            yield from _compared(node, defaults)
        return
    specs = [task.spec, *(task.spec.get("Body") or {}).values()]
    for spec in specs:
        for expression in walk_expressions(parse_value(spec.get("Arguments") or {}, free=True)):
            if isinstance(expression, JsonGet):
                yield expression, A_NUMBER


def _compared(node: ConditionNode, defaults: Mapping[str, Any]) -> Iterator[tuple[JsonGet, Any]]:
    match node:
        case Comparison(left=left, right=right):
            for mine, other in ((left, right), (right, left)):
                if isinstance(mine, JsonGet):
                    yield mine, _worth(other, defaults)
        case Membership(query=query, values=values):
            literals = [value for value in values if not isinstance(value, Get | Join | JsonGet)]
            worth = _worth(literals[0] if literals else A_NUMBER, defaults)
            yield from ((operand, worth) for operand in (query, *values) if isinstance(operand, JsonGet))
        case Negation(condition=inner):
            yield from _compared(inner, defaults)
        case Disjunction(conditions=inner_nodes):
            for inner in inner_nodes:
                yield from _compared(inner, defaults)


def _worth(value: Any, defaults: Mapping[str, Any]) -> Any:
    match value:
        case Get(root="Parameters", name=name):
            return defaults.get(name) if defaults.get(name) is not None else A_NUMBER
        case Get() | Join() | JsonGet():
            return A_NUMBER
        case _:
            return value


def _with(document: Any, path: list[Any], value: Any) -> Any:
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
