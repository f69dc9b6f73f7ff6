"""The steps of a plan that a selective run executes: patterns -> :class:`Selection`.

Rules: docs/language/selective-execution.md.
Selected steps run; steps upstream of them take their results from an earlier run; no other step runs.  A selection
must be connected: a step between two selected ones is selected as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from ..definition.problems import PipelineError, Problem, did_you_mean
from .model import Plan

Role = Literal["selected", "reused", "not selected"]


class InvalidSelection(PipelineError):
    """The definition is valid, but the selective request cannot run."""

    headline = "cannot be run selectively as requested"
    consequence = "nothing was started"


@dataclass(frozen=True, slots=True)
class Selection:
    """Every step of a plan in one of three lists, each in the plan's order.

    selected       they run
    reused         upstream of a selected one: they take the results of an earlier run
    not_selected   they do not run
    """

    selected: tuple[str, ...]
    reused: tuple[str, ...] = ()
    not_selected: tuple[str, ...] = ()

    def role_of(self, step: str) -> Role:
        """What a run with this selection does with ``step``."""
        if step in self.selected:
            return "selected"
        return "reused" if step in self.reused else "not selected"


def select(plan: Plan, patterns: Sequence[str]) -> Selection:
    """The selection for ``patterns``: names or globs, each with a leading "+" (and everything upstream) or a trailing
    "+" (and everything downstream).

    Raises :class:`InvalidSelection`: SM405 for a pattern that names no step, SM406 when steps are missing in between.
    """
    upstream = _upstream(plan)
    downstream = _turned(upstream)
    inside = {name: task.task_id for task in plan.tasks for name in task.spec.body}
    problems: list[Problem] = []
    chosen: set[str] = set()
    for at, pattern in enumerate(patterns):
        name = pattern.removeprefix("+").removesuffix("+")
        found = {step for step in upstream if fnmatchcase(step, name)}
        if not found:
            problems.append(_no_step(f"select[{at}]", pattern, name, upstream, inside))
        chosen |= found
        if pattern.startswith("+"):
            chosen |= reach(found, upstream)
        if pattern.endswith("+") and len(pattern) > 1:
            chosen |= reach(found, downstream)
    if not problems and not chosen:
        problems.append(Problem("SM405", "select", "no step is selected.", did_you_mean("", upstream)))
    problems += _gaps(chosen, upstream, downstream)
    if problems:
        raise InvalidSelection(plan.source, problems)
    return _selection(chosen, upstream)


def select_unfinished(plan: Plan, statuses: Mapping[str, str]) -> Selection:
    """The steps to resume a run with: those that did not succeed, by ``statuses``, and everything downstream of them.

    Steps behind a branch that was not taken are not selected, unless the condition itself runs again; neither are steps
    that were not selected in that run, nor steps behind them.
    Raises :class:`InvalidSelection` (SM409) if there is nothing to run.
    """
    upstream = _upstream(plan)
    downstream = _turned(upstream)
    unfinished = {step for step in upstream if statuses.get(step) not in ("Succeeded", "NotTaken", "NotSelected")}
    chosen = unfinished | reach(unfinished, downstream)
    untaken = {step for step in upstream if statuses.get(step) == "NotTaken" and step not in chosen}
    chosen -= reach(untaken, downstream)
    not_selected = {step for step in upstream if statuses.get(step) == "NotSelected"}
    chosen -= not_selected | reach(not_selected, downstream)
    if not chosen:
        what = "every step of the run succeeded or was not selected in it, so there is nothing to resume."
        fix = "Select the steps that should run again."
        raise InvalidSelection(plan.source, [Problem("SM409", "resume", what, fix)])
    return _selection(chosen, upstream)


def reach(begin: Iterable[str], edges: Mapping[str, Collection[str]]) -> set[str]:
    """Everything reachable from ``begin`` along ``edges``, without ``begin`` unless an edge leads back to it."""
    found: set[str] = set()
    stack = list(begin)
    while stack:
        for name in edges[stack.pop()]:
            if name not in found:
                found.add(name)
                stack.append(name)
    return found


def _upstream(plan: Plan) -> dict[str, tuple[str, ...]]:
    """{step: steps it waits for}, looking through run conditions."""
    steps = [task for task in plan.tasks if task.is_step]
    return {task.task_id: tuple(edge.task_id for edge in plan.edges_of(task)) for task in steps}


def _turned(upstream: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = {step: [] for step in upstream}
    for step, above in upstream.items():
        for name in above:
            turned[name].append(step)
    return turned


def _selection(chosen: set[str], upstream: Mapping[str, Collection[str]]) -> Selection:
    above = reach(chosen, upstream) - chosen
    return Selection(
        selected=tuple(step for step in upstream if step in chosen),
        reused=tuple(step for step in upstream if step in above),
        not_selected=tuple(step for step in upstream if step not in chosen and step not in above),
    )


def _no_step(where: str, pattern: str, name: str, steps: Collection[str], inside: Mapping[str, str]) -> Problem:
    if name in inside:
        what = f'"{name}" is part of "{inside[name]}" and runs only with it.'
        return Problem("SM405", where, what, f'Select "{pattern.replace(name, inside[name])}".')
    kind = "matches" if re.search(r"[*?\[]", name) else "is called"
    return Problem("SM405", where, f'no step {kind} "{name}".', did_you_mean(name, steps))


def _gaps(
    chosen: set[str], upstream: Mapping[str, Collection[str]], downstream: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
    between = (reach(chosen, upstream) & reach(chosen, downstream)) - chosen
    missing = [step for step in upstream if step in between]
    if missing:
        names = ", ".join(missing)
        verb = "is" if len(missing) == 1 else "are"
        what = f"{names} {verb} between selected steps but not selected."
        yield Problem("SM406", "select", what, f"Select {names} as well.")
