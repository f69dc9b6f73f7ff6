"""Branches of Conditions: one of two runs, and what waits for both never does (language reference 6.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .edges import edges_of
from .model import Get, JsonGet, Step
from .places import Place, place_text
from .problems import Problem

if TYPE_CHECKING:
    from .parse import Parsed


@dataclass(frozen=True, slots=True)
class _Clash:
    """Two steps that ``condition`` keeps from both running; ``first`` may be the step itself."""

    condition: str
    first: str
    branch: str
    second: str
    other: str


def referenced_steps_can_have_run(parsed: Parsed) -> Iterator[Problem]:
    """A step does not read from the branch that its own branch excludes."""
    for place, clash in _excluded_reads(parsed):
        what = (
            f'step "{clash.second}" is in {clash.other} of "{clash.condition}" and "{clash.first}" in '
            f"{clash.branch}; only one of them runs."
        )
        yield Problem("SM207", place_text(place), what)


def _excluded_reads(parsed: Parsed) -> Iterator[tuple[Place, _Clash]]:
    """References of a step, the first of the clash, to a step of another branch, the second."""
    pipeline = parsed.pipeline
    steps = pipeline.by_name
    branches = {step.name: _branches(step, steps) for step in pipeline.steps if step.parent is not None}
    for index, place, reference in parsed.references:
        name = reference.step if isinstance(reference, JsonGet) else reference.name
        if index < 0 or name not in branches or (isinstance(reference, Get) and reference.root != "Steps"):
            continue
        reader = pipeline.steps[index].name
        mine = branches.get(reader, {})
        for condition, branch in branches[name].items():
            if mine.get(condition, branch) != branch:
                yield place, _Clash(condition, reader, mine[condition], name, branch)


def _branches(step: Step, steps: dict[str, Step]) -> dict[str, str]:
    """{condition: branch} of every condition ``step`` is nested in."""
    found: dict[str, str] = {}
    current: Step | None = step
    while current is not None and current.parent is not None and current.parent not in found:
        found[current.parent] = current.branch or ""
        current = steps.get(current.parent)
    return found


def steps_can_run(parsed: Parsed) -> Iterator[Problem]:
    """A step does not wait for steps of both branches of a Condition; the service takes it, and never runs it."""
    steps = parsed.pipeline.by_name
    if not any(step.if_steps and step.else_steps for step in steps.values()):
        return
    upstream = edges_of(parsed)
    needs: dict[str, Mapping[str, str]] = {}  # {step: {condition: the branch with which alone it runs}}
    never: set[str] = set()
    told = {clash.first for _, clash in _excluded_reads(parsed)}
    for name in _upstream_first(upstream):
        clash = _needs_of(steps[name], upstream[name], needs)
        behind = any(other in never for other in upstream[name])
        if clash is not None and not behind and name not in told:
            yield _never_runs(parsed, steps[name], clash)
        if clash is not None or behind:
            never.add(name)


def _needs_of(step: Step, upstream: list[str], needs: dict[str, Mapping[str, str]]) -> _Clash | None:
    """Fill in what ``step`` needs; the first clash in it."""
    clash = None
    found: dict[str, str] = {}
    owners: dict[str, str] = {}
    nest = {step.parent: step.branch or ""} if step.parent is not None else {}
    for name, wanted in ((step.name, nest), *((name, needs.get(name, {})) for name in upstream)):
        for condition, branch in wanted.items():
            if found.setdefault(condition, branch) != branch and clash is None:
                clash = _Clash(condition, owners[condition], found[condition], name, branch)
            owners.setdefault(condition, name)
    needs[step.name] = found
    return clash


def _never_runs(parsed: Parsed, step: Step, clash: _Clash) -> Problem:
    mine = f'is in {clash.branch} of "{clash.condition}" and waits'
    if clash.first != step.name:
        mine = f'waits for "{clash.first}", which runs only with {clash.branch} of "{clash.condition}", and'
    what = f'step "{step.name}" {mine} for "{clash.second}", which runs only with {clash.other}: it never runs.'
    fix = "Branches do not come together again: have a step for each, or wait for the Condition itself."
    where = next((d.where for d in step.depends_on if d.step == clash.second), step.where)
    return Problem("SM207", where, what, fix, severity="warning")


def _upstream_first(upstream: Mapping[str, list[str]]) -> Iterator[str]:
    """Every step behind those it waits for; a circle is broken anywhere, for it is told elsewhere."""
    state: dict[str, bool] = {}  # False while its upstream is on the stack
    for start in upstream:
        stack = [start]
        while stack:
            name = stack[-1]
            if name not in state:
                state[name] = False
                stack.extend(other for other in upstream[name] if other not in state)
                continue
            stack.pop()
            if not state[name]:
                state[name] = True
                yield name
