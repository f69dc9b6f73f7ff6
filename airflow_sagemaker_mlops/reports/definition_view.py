"""A definition as a picture, also before any run: steps in layers, edges, and conditions and rules in words.

Pure.  Conditions behind a verdict (``IsBetter.promote``) are part of the step with the verdict, and the tasks that only
Airflow needs are left out, so that the picture shows what the definition says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from ..definition.expressions import parse_value
from ..definition.model import Get, Join
from ..json_types import Json, JsonObject
from .graph_layout import layered, without_shortcuts
from .index_entries import metric_title
from .reading import ListLimits, clipped, items, mapping, number, objects, text

MAX_STEPS = 300
MAX_WORDS = 12  # rules of a step
WIDTH, HEIGHT, GAP, DROP, EDGE = 196, 62, 22, 46, 8  # pixels: a box, the room between boxes, and the picture's edge
_VERDICTS = ("promote", "reject", "inconclusive", "stable", "drift")
_OWN_TASKS = frozenset({"status", "parameters", "teardown", "invalid"})
_HIDDEN = frozenset({"RunCondition", "Status"})


@dataclass(frozen=True, slots=True)
class DefinedStep:
    """A task of the DAG, as it was serialized.

    type       step type, or the operator of a task of another package
    title      display name; "" if it has none
    decides    the condition of a Condition step in words
    after      {task id: label of the edge, such as "If"}
    settings   the step's keys in the definition, with expressions as written
    """

    name: str
    type: str
    title: str = ""
    about: str = ""
    decides: str = ""
    after: Mapping[str, str] = field(default_factory=dict)
    settings: JsonObject = field(default_factory=dict)


class Node(TypedDict):
    """A step as a box; ``x`` and ``y`` are its upper left corner in pixels."""

    id: str
    title: str
    type: str
    about: str
    words: list[str]
    more: str
    decides: bool
    x: float
    y: float


class Edge(TypedDict):
    """Which step runs after which, with an SVG path; ``label``, at ``x`` and ``y``, says when, "" for always."""

    source: str
    target: str
    label: str
    path: str
    x: float
    y: float


class DefinitionView(TypedDict):
    """The picture; ``box`` is the size of a node, ``width`` and ``height`` are the picture's, in pixels."""

    schema: str
    nodes: list[Node]
    edges: list[Edge]
    box: list[int]
    width: float
    height: float
    cut: dict[str, int]


def definition_view(steps: Sequence[DefinedStep]) -> DefinitionView:
    """The picture of the steps, in the order of the definition."""
    cutter = ListLimits()
    shown = cutter.first("steps", [step for step in steps if _is_shown(step, steps)], MAX_STEPS)
    edges = without_shortcuts([step.name for step in shown], _edges(steps, {step.name for step in shown}))
    places = layered([step.name for step in shown], list(edges))
    corner = {name: (EDGE + x * (WIDTH + GAP), EDGE + y * (HEIGHT + DROP)) for name, (x, y) in places.items()}
    nodes = [_node(step, edges, *corner[step.name]) for step in shown]
    return {
        "schema": "1.0",
        "nodes": nodes,
        "edges": [_edge(one, other, label, corner) for (one, other), label in edges.items()],
        "box": [WIDTH, HEIGHT],
        "width": max((x for x, _ in corner.values()), default=0.0) + WIDTH + EDGE,
        "height": max((y for _, y in corner.values()), default=0.0) + HEIGHT + EDGE,
        "cut": cutter.cut,
    }


def _edge(source: str, target: str, label: str, corner: Mapping[str, tuple[float, float]]) -> Edge:
    """A curve from the middle below ``source`` to the middle above ``target``."""
    x1, y1 = corner[source][0] + WIDTH / 2, corner[source][1] + HEIGHT
    x2, y2 = corner[target][0] + WIDTH / 2, corner[target][1]
    bend = max(DROP * 0.6, (y2 - y1) * 0.45)
    return {
        "source": text(source),
        "target": text(target),
        "label": text(label),
        "path": f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}",
        "x": x1 + (x2 - x1) * 0.62,
        "y": y1 + DROP * 0.72,
    }


def _is_shown(step: DefinedStep, steps: Sequence[DefinedStep]) -> bool:
    own = step.name.rpartition("pipeline.")[2]
    return step.type not in _HIDDEN and own not in _OWN_TASKS and not _behind(step.name, steps)


def _behind(name: str, steps: Sequence[DefinedStep]) -> str:
    """The step whose verdict the condition ``name`` asks for, such as ``IsBetter``; "" for other tasks."""
    step, _, verdict = name.rpartition(".")
    return step if verdict in _VERDICTS and any(one.name == step for one in steps) else ""


def _edges(steps: Sequence[DefinedStep], shown: set[str]) -> dict[tuple[str, str], str]:
    """Edges between shown steps, through the hidden ones; a label of a verdict names it."""
    by_name = {step.name: step for step in steps}
    inner = {step.name: _behind(step.name, steps) for step in steps}
    edges: dict[tuple[str, str], str] = {}

    def sources(name: str, label: str, seen: frozenset[str]) -> list[tuple[str, str]]:
        if name in shown:
            return [(name, label)]
        if name not in by_name or name in seen:
            return []
        if step := inner[name]:
            return sources(step, _verdict_label(name, label, steps), seen | {name})
        above = by_name[name].after
        return [one for source, own in above.items() for one in sources(source, label or own, seen | {name})]

    for step in steps:
        if step.name in shown:
            for source, label in step.after.items():
                for found, said in sources(source, label, frozenset()):
                    edges[found, step.name] = edges.get((found, step.name)) or said
    return edges


def _verdict_label(condition: str, label: str, steps: Sequence[DefinedStep]) -> str:
    """``promote`` for the If branch of ``IsBetter.promote``; the remaining verdicts for its Else branch."""
    step, _, verdict = condition.rpartition(".")
    if label != "Else":
        return verdict if label == "If" else label
    asked = {one.name.rpartition(".")[2] for one in steps if one.name.rpartition(".")[0] == step}
    family = _VERDICTS[:3] if verdict in _VERDICTS[:3] else (*_VERDICTS[3:], "inconclusive")
    left = [word for word in family if word not in asked and word != verdict]
    return " or ".join(left) or "otherwise"


def _node(step: DefinedStep, edges: Mapping[tuple[str, str], str], x: float, y: float) -> Node:
    words = words_of(step)
    left = len(words) - MAX_WORDS
    return {
        "id": text(step.name),
        "title": text(step.title) or text(step.name.rpartition(".")[2]),
        "type": text(step.type),
        "about": clipped(step.about, 2_000),
        "words": [*(clipped(word, 500) for word in words[:MAX_WORDS]), *([f"and {left} more"] if left > 0 else [])],
        "more": _more(step, edges),
        "decides": bool(step.decides) or step.type in ("Condition", "x-champion-gate", "x-drift-check"),
        "x": x,
        "y": y,
    }


def _more(step: DefinedStep, edges: Mapping[tuple[str, str], str]) -> str:
    """Sentences about what the step waits for, where it runs, and which parameters it uses."""
    after = [f"{one} ({label})" if label else one for (one, other), label in edges.items() if other == step.name]
    parameters = sorted(set(_parameters(step.settings)))[:MAX_WORDS]
    instance = _as_text(_instance(step.settings))
    said = [
        f"After {', '.join(after[:MAX_WORDS])}." if after else "",
        f"Runs on {instance}." if instance else "",
        f"Uses {', '.join(parameters)}." if parameters else "",
    ]
    return clipped(" ".join(part for part in said if part), 2_000)


def words_of(step: DefinedStep) -> list[str]:
    """What a step decides by: its condition, or each rule of its gate or drift check."""
    if step.decides:
        return [step.decides]
    if step.type == "x-champion-gate":
        return [_gate_rule(rule) for rule in objects(step.settings.get("Rules"))]
    if step.type == "x-drift-check":
        return [_drift_rule(rule) for rule in objects(step.settings.get("Rules"))]
    return []


def _gate_rule(rule: JsonObject) -> str:
    """``AUC must improve by more than 0.01, for each origin``."""
    metric = metric_title(_as_text(rule.get("Metric")))
    by = _as_text(rule.get("By")) if "By" in rule else ""
    parts = []
    if (must := _as_text(rule.get("Must"))) == "improve":
        parts.append(f"must improve by more than {by}" if by not in ("", "0", "0.0") else "must improve")
    elif must == "not_worsen":
        parts.append(f"may be worse by less than {by}" if by not in ("", "0", "0.0") else "must not be worse")
    for key, words in (
        ("Floor", "at least"),
        ("Ceiling", "at most"),
        ("AlarmAbove", "alarm above"),
        ("AlarmBelow", "alarm below"),
    ):
        if key in rule:
            parts.append(f"{words} {_as_text(rule[key])}")
    if "Slice" in rule:
        parts.append(f"for each {_as_text(rule['Slice'])}")
    if "MinRecords" in rule:
        parts.append(f"from {_as_text(rule['MinRecords'])} records")
    dry = " (dry run)" if rule.get("DryRun") is True else ""
    return f"{metric} {', '.join(parts)}{dry}" if parts else f"{metric} is reported"


def _drift_rule(rule: JsonObject) -> str:
    """``psi of hour at most 0.25``."""
    check = _as_text(rule.get("Check"))
    columns = ", ".join(_as_text(name) for name in items(rule.get("Columns")))
    limits = [
        f"{words} {_as_text(rule[key])}" for key, words in (("Min", "at least"), ("Max", "at most")) if key in rule
    ]
    dry = " (dry run)" if rule.get("DryRun") is True else ""
    return " ".join([check, *([f"of {columns}"] if columns else []), *([" and ".join(limits)] if limits else [])]) + dry


def _as_text(value: Json) -> str:
    """A value in words: the name of a parameter, or the text of a literal."""
    if value is None:
        return ""
    try:
        parsed = parse_value(value, "$")
    except (ValueError, TypeError, LookupError, RecursionError):
        parsed = value
    match parsed:
        case Get(root="Parameters", name=name):
            return clipped(str(name), 300)
        case Get(text=given):
            return clipped(str(given), 300)
        case Join():
            return "joined text"
        case str():
            return clipped(parsed, 300)
    if (found := number(value)) is not None:
        return f"{found:g}"
    try:
        return clipped(json.dumps(value, ensure_ascii=False, default=str), 300)
    except (ValueError, TypeError, RecursionError):
        return "…"


def _parameters(settings: JsonObject) -> list[str]:
    given = settings.get("Parameters")
    return [str(name) for name in given] if isinstance(given, Mapping) else []


def _instance(settings: JsonObject) -> Json:
    """The instance type of a job, as written."""
    arguments = mapping(settings.get("Arguments"))
    for path in (
        ("ProcessingResources", "ClusterConfig"),
        ("ResourceConfig",),
        ("TransformResources",),
    ):
        found = arguments
        for key in path:
            found = mapping(found.get(key))
        if "InstanceType" in found:
            return found["InstanceType"]
    return None
