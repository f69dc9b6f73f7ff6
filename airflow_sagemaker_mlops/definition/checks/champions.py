"""What is promoted was compared with the champion that an x-champion step has read, in one history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..champion_arguments import BASELINE, CHAMPION, GROUP, HISTORY, PROMOTE
from ..expressions import kind_of
from ..model import Get, Step
from ..problems import Problem, place_text

if TYPE_CHECKING:
    from ..parse import Parsed


def champions_are_compared(parsed: Parsed) -> Iterator[Problem]:
    """The rules of both step types that concern more than one step."""
    steps = parsed.pipeline.by_name
    champions = [step for step in parsed.pipeline.steps if step.type == CHAMPION]
    for _, place, reference in parsed.references:
        step = steps.get(reference.name) if isinstance(reference, Get) and reference.root == "Steps" else None
        if step is None or step.type != CHAMPION or step.arguments.get(HISTORY) is not None:
            continue
        if isinstance(reference, Get) and reference.path[:1] in (("ModelDataUrl",), ("DriftBaseline",)):
            what = f'as long as there is no champion, "{reference.text}" names no object, and no job could read it.'
            fix = f'Give "{step.name}" a "{HISTORY}": it writes a small object there for that time.'
            yield Problem("SM321", place_text(place), what, fix)
    for step in parsed.pipeline.steps:
        if step.type == PROMOTE:
            yield from _baseline_problems(step)
            yield from _other_histories(step, champions)


def _baseline_problems(step: Step) -> Iterator[Problem]:
    given = step.arguments.get(BASELINE)
    is_read = isinstance(given, Get) and (given.root != "Steps" or given.path[:1] == (BASELINE,))
    if given is None or is_read:
        return
    shown = f'"{given.text}"' if isinstance(given, Get) else kind_of(given)
    what = f"{shown} does not say which champion the candidate was compared with."
    fix = 'Write {"Get": "Steps.<x-champion step>.Baseline"}.'
    yield Problem("SM322", f"{step.where}.Arguments.{BASELINE}", what, fix)


def _other_histories(step: Step, champions: list[Step]) -> Iterator[Problem]:
    group, history = step.arguments.get(GROUP), step.arguments.get(HISTORY)
    for champion in champions:
        other = champion.arguments.get(HISTORY)
        if champion.arguments.get(GROUP) == group and None not in (other, history) and other != history:
            what = f'"{step.name}" writes the history of the group to another place than "{champion.name}" reads.'
            fix = f'Give both the same "{HISTORY}": promotions in two histories would not exclude each other.'
            yield Problem("SM323", f"{step.where}.Arguments.{HISTORY}", what, fix)
