"""Rules of ForEach: what a body may reference, and what may reference its steps (docs/language/steps/foreach.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..model import Get, JsonGet, Step
from ..problems import Problem, did_you_mean, place_text
from .properties import property_problems

if TYPE_CHECKING:
    from ..parse import Parsed


def loop_reference_problems(
    reference: Get, where: str, owner: Step | None, steps: Mapping[str, Step]
) -> Iterator[Problem]:
    """``ForEach.CurrentItem`` is used only in a body; ``IterationOutput`` only in the Selector, for a body step."""
    if reference.root == "ForEach":
        if owner is None or owner.branch != "ForEachBody":
            what = f'"{reference.text}" is valid only in the body of a ForEach step.'
            yield Problem("SM210", where, what)
        elif reference.name != "CurrentItem":
            yield Problem("SM210", where, f'there is no "{reference.text}".', "Write ForEach.CurrentItem.")
        return
    if owner is None or owner.type != "ForEach":
        what = f'"{reference.text}" is valid only as Field of a ForEach step\'s Selector.'
        yield Problem("SM210", where, what)
    elif reference.name not in owner.body_names:
        what = f'the body of "{owner.name}" has no step "{reference.name}".'
        yield Problem("SM210", where, what, did_you_mean(reference.name, owner.body))
    elif not reference.path:
        fix = f"Write IterationOutput.{reference.name}.<property>."
        yield Problem("SM210", where, f'"{reference.text}" names no property of the step.', fix)
    else:
        inner = Get("Steps", reference.name, reference.path, reference.text)
        yield from property_problems(inner, where, steps)


def bodies_are_closed(parsed: Parsed) -> Iterator[Problem]:
    """Only steps of the same body reference a step of a body, and no step uses the name of an iteration's child."""
    pipeline = parsed.pipeline
    steps = pipeline.by_name
    inside = {step.name: step.parent for step in pipeline.steps if step.branch == "ForEachBody"}
    if not inside:
        return
    for index, place, reference in parsed.references:
        name = reference.step if isinstance(reference, JsonGet) else reference.name
        of_steps = isinstance(reference, JsonGet) or reference.root == "Steps"
        owner = pipeline.steps[index] if index >= 0 else None
        if of_steps and name in inside and (owner is None or owner.parent != inside[name]):
            yield Problem("SM214", place_text(place), *_outside(str(name), str(inside[str(name)])))
    for step in pipeline.steps:
        for dependency in step.depends_on:
            if dependency.step in inside and step.parent != inside[dependency.step]:
                yield Problem("SM214", dependency.where, *_outside(dependency.step, str(inside[dependency.step])))
            elif step.name in inside and dependency.trigger != "Completed":
                what = f'"{step.name}" is in the body of a ForEach step, where Completed is the only allowed trigger.'
                yield Problem("SM214", dependency.where, what)
        child = re.fullmatch(r"(.+)-\d+", step.name)
        if child and child[1] in inside and step.parent is None:
            what = f'"{step.name}" is the name of an iteration of "{child[1]}".'
            yield Problem("SM202", f"{step.where}.Name", what, "Choose another name.")
    yield from _own_results(parsed, steps)
    yield from _own_loops(parsed, steps)


def _outside(name: str, loop: str) -> tuple[str, str]:
    what = f'"{name}" is in the body of "{loop}" and runs once per item, so steps outside the body cannot reference it.'
    return what, f'Depend on "{loop}", or read Steps.{loop}.IterationOutputs[0].{name}.<path>.'


def _own_results(parsed: Parsed, steps: Mapping[str, Step]) -> Iterator[Problem]:
    for step in parsed.pipeline.steps:
        if step.type == "ForEach":
            for reference in step.references:
                if isinstance(reference, Get) and reference.root == "Steps" and reference.name == step.name:
                    what = f'"{reference.text}": a ForEach step cannot read its own result.'
                    yield Problem("SM203", step.where, what, "Use IterationOutput in the Selector.")


def _own_loops(parsed: Parsed, steps: Mapping[str, Step]) -> Iterator[Problem]:
    for step in parsed.pipeline.steps:
        if step.branch != "ForEachBody":
            continue
        named = [d.where for d in step.depends_on if d.step == step.parent]
        named += [
            step.where for r in step.references if isinstance(r, Get) and (r.root, r.name) == ("Steps", step.parent)
        ]
        for where in named[:1]:
            what = f'"{step.name}" is in the body of "{step.parent}" and waits for it, but a loop ends after its body.'
            yield Problem("SM203", where, what)
