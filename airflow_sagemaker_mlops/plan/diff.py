"""Semantic differences between two definitions: parameters, steps, arguments and edges."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..definition.values import listed
from .model import ParameterPlan, Plan, TaskPlan

if TYPE_CHECKING:
    from ..json_types import JsonObject

# Members derived from other steps; the change is reported there.
NOT_COMPARED = frozenset({"Parameters", "Outputs", "Files", "Branches"})
MAX_SHOWN = 80


def differences(old: Plan, new: Plan) -> list[str]:
    """One line per change: ``+`` added, ``-`` removed, ``~`` changed.  Empty if the plans are equivalent."""
    return [*_parameters(old, new), *_steps(old, new), *_edges(old, new)]


def _parameters(old: Plan, new: Plan) -> Iterator[str]:
    before = {parameter.name: parameter for parameter in old.parameters}
    after = {parameter.name: parameter for parameter in new.parameters}
    for name in sorted(before.keys() - after.keys()):
        yield f"- parameter {name}"
    for name, parameter in after.items():
        if name not in before:
            yield f"+ parameter {name} ({parameter.type}, default {_default(parameter)})"
            continue
        for word, was, now in (
            ("type", before[name].type, parameter.type),
            ("default", _default(before[name]), _default(parameter)),
            ("choices", listed(before[name].enum) or "any", listed(parameter.enum) or "any"),
        ):
            if was != now:
                yield f"~ parameter {name}: {word} {was} -> {now}"


def _default(parameter: ParameterPlan) -> str:
    return "none" if parameter.required else json.dumps(parameter.default, ensure_ascii=False)


def _tasks(plan: Plan) -> dict[str, TaskPlan]:
    return {task.task_id: task for task in plan.tasks if task.is_step}


def _steps(old: Plan, new: Plan) -> Iterator[str]:
    before, after = _tasks(old), _tasks(new)
    for name in sorted(before.keys() - after.keys()):
        yield f"- step {name} ({before[name].step_type})"
    for name, task in after.items():
        if name not in before:
            yield f"+ step {name} ({task.step_type})"
        elif task.step_type != before[name].step_type:
            yield f"~ step {name}: type {before[name].step_type} -> {task.step_type}"
        else:
            for where, was, now in _values(_meant(before[name]), _meant(task), ""):
                yield f"~ step {name}: {where} {_shown(was)} -> {_shown(now)}"


def _meant(task: TaskPlan) -> JsonObject:
    return {key: value for key, value in task.spec.to_json().items() if key not in NOT_COMPARED}


_NOTHING = object()


def _values(was: object, now: object, where: str) -> Iterator[tuple[str, Any, Any]]:
    """(place, old, new) of every leaf that differs."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in [*was, *(key for key in now if key not in was)]:
            below = f"{where}.{key}" if where else str(key)
            yield from _values(was.get(key, _NOTHING), now.get(key, _NOTHING), below)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _values(one, other, f"{where}[{index}]")
    elif was is _NOTHING or now is _NOTHING or was != now or isinstance(was, bool) is not isinstance(now, bool):
        yield where, was, now


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "(nothing)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def _edges(old: Plan, new: Plan) -> Iterator[str]:
    both = _tasks(old).keys() & _tasks(new).keys()
    before, after = _edge_words(old), _edge_words(new)
    for edge in sorted(before.keys() | after.keys()):
        if edge in before and edge in after and before[edge] != after[edge]:
            yield f"~ edge {edge[0]} -> {edge[1]}: {before[edge] or 'plain'} -> {after[edge] or 'plain'}"
        elif (edge in before) != (edge in after) and set(edge) <= both:  # others changed with their step
            yield f"{'+' if edge in after else '-'} edge {edge[0]} -> {edge[1]}"


def _edge_words(plan: Plan) -> dict[tuple[str, str], str]:
    steps = _tasks(plan).items()
    return {(edge.task_id, name): edge.label for name, task in steps for edge in plan.edges_of(task)}
