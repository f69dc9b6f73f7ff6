"""A second reading of docs/language/ (steps/foreach, control-flow, conditions): which steps run, and how the run ends.

Written from the reference alone and in another way than the package: no plan, no edges, no topological order; a table
of facts that is filled in until nothing more follows.  ``pipelines()`` draws pipelines for both readings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

TRIGGERS = {
    "Completed": {"Succeeded"},
    "Failed": {"Failed"},
    "Stopped": {"Stopped"},
    "Any": {"Succeeded", "Failed", "Stopped"},
}


@dataclass
class Drawn:
    """One step: ``end`` is how it ends when it runs; for a Condition its outcome as well."""

    name: str
    kind: str
    depends: list[tuple[str, str]]
    reads: list[str]
    end: str
    outcome: bool = True
    parent: str = ""
    branch: bool = True
    items: int = 0
    children: list[list[str]] = field(default_factory=list)  # [item][body step] -> wanted end
    chained: bool = False


@st.composite
def pipelines(draw: Any) -> list[Drawn]:
    """Steps in document order; a step may wait for steps before it only, so there is no circle."""
    steps: list[Drawn] = []
    for index in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(["Lambda"] * 5 + ["Condition"] * 3 + ["Fail", "ForEach"]))
        conditions = [step for step in steps if step.kind == "Condition" and depth(step, steps) < 2]
        parent = draw(st.sampled_from(["", "", *(step.name for step in conditions)]))
        targets = [step.name for step in steps if step.kind != "Fail" and step.name != parent]
        chosen = draw(st.lists(st.sampled_from(targets), unique=True, max_size=3)) if targets else []
        words = ["Completed"] * 4 + ["Failed", "Stopped", "Any"]
        depends = [(name, draw(st.sampled_from(words))) for name in chosen]
        readable = [
            s.name for s in steps if s.kind in ("Lambda", "Condition") and s.name not in chosen and s.name != parent
        ]
        # What a step of the branch that excludes its own left cannot be read; the document is refused.
        readable = [name for name in readable if compatible(name, parent, steps)] if kind == "Lambda" else []
        reads = draw(st.lists(st.sampled_from(readable), unique=True, max_size=1)) if readable else []
        step = Drawn(f"S{index}", kind, depends, reads, "Succeeded", parent=parent, branch=draw(st.booleans()))
        if kind == "Lambda":
            step.end = draw(st.sampled_from(["Succeeded"] * 4 + ["Failed", "Stopped"]))
        elif kind == "Condition":
            step.outcome = draw(st.booleans())
            step.end = draw(st.sampled_from(["Succeeded"] * 6 + ["Failed"]))  # values that cannot be compared
        elif kind == "Fail":
            step.end = "Failed"
        else:
            step.items = draw(st.integers(0, 3))
            ends = st.sampled_from(["Succeeded"] * 5 + ["Failed", "Stopped"])
            step.children = [[draw(ends), draw(ends)] for _ in range(step.items)]
            step.chained = draw(st.booleans())
            step.end = loop_end(step)
        steps.append(step)
    refuse_impossible(steps)
    return steps


def by_name(steps: list[Drawn]) -> dict[str, Drawn]:
    return {step.name: step for step in steps}


def depth(step: Drawn, steps: list[Drawn]) -> int:
    return 0 if not step.parent else 1 + depth(by_name(steps)[step.parent], steps)


def branches_of(name: str, steps: list[Drawn]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    step = by_name(steps)[name]
    while step.parent:
        found[step.parent] = step.branch
        step = by_name(steps)[step.parent]
    return found


def compatible(name: str, parent: str, steps: list[Drawn]) -> bool:
    theirs = branches_of(name, steps)
    return not theirs or not parent  # enough: what is nested reads what is not


def refuse_impossible(steps: list[Drawn]) -> None:
    """A step outside of a branch may not wait for its own condition's descendants: drop circles through nesting."""
    table = by_name(steps)
    for step in steps:
        ancestors = branches_of(step.name, steps)
        step.depends = [(name, trigger) for name, trigger in step.depends if name not in ancestors]
        step.reads = [name for name in step.reads if name not in ancestors and name in table]


def loop_end(step: Drawn) -> str:
    """How a ForEach step ends: badly when a child did; a child behind a bad one does not run."""
    ends = set()
    for one, two in step.children:
        ends.add(one)
        if not step.chained or one == "Succeeded":
            ends.add(two)
    return "Failed" if "Failed" in ends else "Stopped" if "Stopped" in ends else "Succeeded"


def ends(steps: list[Drawn]) -> dict[str, str]:
    """{step: Succeeded, Failed, Stopped or NotRun}."""
    table = by_name(steps)
    known: dict[str, str] = {}
    while len(known) < len(steps):
        before = len(known)
        for step in steps:
            if step.name not in known:
                end = settle(step, table, known)
                if end:
                    known[step.name] = end
        assert len(known) > before, "a circle"
    return known


def settle(step: Drawn, table: dict[str, Drawn], known: dict[str, str]) -> str:
    wanted = [*step.depends, *((name, "Completed") for name in step.reads)]
    if step.parent:
        wanted.append((step.parent, "Completed"))
    if any(name not in known for name, _ in wanted):
        return ""
    runs = all(known[name] in TRIGGERS[trigger] for name, trigger in wanted)
    if step.parent and table[step.parent].outcome != step.branch:
        runs = False
    return step.end if runs else "NotRun"


def status(steps: list[Drawn], known: dict[str, str]) -> str:
    """Succeeded, CompletedWithFailures (every bad end has a step that ran because of it) or Failed."""
    bad = {name for name, end in known.items() if end in ("Failed", "Stopped")}
    handled = {
        name
        for step in steps
        for name, trigger in step.depends
        if trigger != "Completed" and known[step.name] != "NotRun" and known[name] in TRIGGERS[trigger]
    }
    return "Succeeded" if not bad else "CompletedWithFailures" if bad <= handled else "Failed"


def document(steps: list[Drawn]) -> dict[str, Any]:
    """The pipeline as a definition."""
    return {"Version": "2020-12-01", "Steps": [as_step(step, steps) for step in steps if not step.parent]}


def function(name: str, **arguments: Any) -> dict[str, Any]:
    outputs = [{"OutputName": "n", "OutputType": "Integer"}]
    return {"Name": name, "Type": "Lambda", "FunctionArn": "f", "Arguments": arguments, "OutputParameters": outputs}


def as_step(step: Drawn, steps: list[Drawn]) -> dict[str, Any]:
    depends: list[Any] = [
        name if trigger == "Completed" else {"Step": name, "Trigger": trigger} for name, trigger in step.depends
    ]
    match step.kind:
        case "Lambda":
            table = by_name(steps)
            took = {
                f"a{i}": {
                    "Get": f"Steps.{name}.Outcome"
                    if table[name].kind == "Condition"
                    else f"Steps.{name}.OutputParameters['n']"
                }
                for i, name in enumerate(step.reads)
            }
            made = function(step.name, **took)
        case "Condition":
            other: Any = "text" if step.end == "Failed" else (1 if step.outcome else 2)
            equal = {"Type": "Equals", "LeftValue": 1, "RightValue": other}
            inside = [inner for inner in steps if inner.parent == step.name]
            branches = {
                "IfSteps": [as_step(inner, steps) for inner in inside if inner.branch],
                "ElseSteps": [as_step(inner, steps) for inner in inside if not inner.branch],
            }
            made = {"Name": step.name, "Type": "Condition", "Arguments": {"Conditions": [equal], **branches}}
        case "Fail":
            made = {"Name": step.name, "Type": "Fail", "Arguments": {"ErrorMessage": "on purpose"}}
        case _:
            one, two = function(f"{step.name}a"), function(f"{step.name}b")
            if step.chained:
                two["DependsOn"] = [one["Name"]]
            arguments = {"IterableItems": list(range(step.items)), "MaxConcurrency": 2, "ForEachBody": [one, two]}
            made = {"Name": step.name, "Type": "ForEach", "Arguments": arguments}
    return {**made, **({"DependsOn": depends} if depends else {})}


def stubs(steps: list[Drawn]) -> dict[str, Any]:
    """Declared ends of the functions."""
    table: dict[str, Any] = {}
    for step in steps:
        if step.kind == "Lambda":
            table[step.name] = {"Status": step.end}
        for index, (one, two) in enumerate(step.children):
            table[f"{step.name}a-{index}"] = {"Status": one}
            table[f"{step.name}b-{index}"] = {"Status": two}
    return table
