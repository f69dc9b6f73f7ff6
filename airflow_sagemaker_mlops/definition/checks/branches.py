"""Steps that wait for both branches of a Condition, only one of which runs (docs/language/control-flow.md#branches)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..model import Clash, JsonGet, Step
from ..problems import Problem, place_text
from ..verdict_step import side_in_words

if TYPE_CHECKING:
    from ..parse import Parsed


def steps_can_run(parsed: Parsed, upstream: Mapping[str, list[str]]) -> Iterator[Problem]:
    """A step does not wait for steps of both branches of a Condition; the service accepts it, but never runs it."""
    steps = parsed.pipeline.by_name
    needs: dict[str, Mapping[str, str]] = {}  # {step: {condition: the only branch with which it runs}}
    never: set[str] = set()
    for name in _upstream_first(upstream):
        clash = _needs_of(steps[name], upstream[name], needs)
        behind = any(other in never for other in upstream[name])
        if clash is not None and not behind:
            yield _never_runs(parsed, steps[name], clash)
        if clash is not None or behind:
            never.add(name)


def _needs_of(step: Step, upstream: list[str], needs: dict[str, Mapping[str, str]]) -> Clash | None:
    """Add the branches that ``step`` needs to ``needs``; returns the first clash."""
    if step.parent is None and len(upstream) < 2:  # most steps; they need what their only upstream step needs
        needs[step.name] = needs.get(upstream[0], {}) if upstream else {}
        return None
    clash = None
    found: dict[str, str] = {}
    owners: dict[str, str] = {}
    nest = {step.parent: step.branch or ""} if step.parent is not None else {}
    for name, wanted in ((step.name, nest), *((name, needs.get(name, {})) for name in upstream)):
        for condition, branch in wanted.items():
            if found.setdefault(condition, branch) != branch and clash is None:
                clash = Clash(condition, owners[condition], found[condition], name, branch)
            owners.setdefault(condition, name)
    needs[step.name] = found
    return clash


def _never_runs(parsed: Parsed, step: Step, clash: Clash) -> Problem:
    (branch, condition), (other, _) = (side_in_words(clash.condition, one) for one in (clash.branch, clash.other))
    mine = f'is in {branch} of "{condition}" and waits'
    if clash.first != step.name:
        mine = f'waits for "{clash.first}", which runs only in {branch} of "{condition}", and'
    what = f'step "{step.name}" {mine} for "{clash.second}", which runs only in {other}, so it never runs.'
    fix = "Branches cannot be joined: use a separate step for each, or depend on the Condition itself."
    where = next((d.where for d in step.depends_on if d.step == clash.second), None) or _read_at(parsed, step, clash)
    return Problem("SM207", where, what, fix, severity="warning")


def _read_at(parsed: Parsed, step: Step, clash: Clash) -> str:
    """The place where ``step`` references the second step of ``clash``; the step's own place if it does not."""
    for index, place, reference in parsed.references:
        owner = reference.step if isinstance(reference, JsonGet) else reference.name
        if index >= 0 and owner == clash.second and parsed.pipeline.steps[index].name == step.name:
            return place_text(place)
    return step.where


def _upstream_first(upstream: Mapping[str, list[str]]) -> Iterator[str]:
    """Every step after those that it waits for; cycles are broken anywhere, because another rule reports them."""
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
