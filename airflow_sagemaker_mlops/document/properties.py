"""What may be read of a step: ``Steps.<name>.<path>``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .model import Get, Key, Step
from .problems import Problem, did_you_mean
from .step_types import PROPERTIES


def property_problems(reference: Get, where: str, steps: Mapping[str, Step]) -> Iterator[Problem]:
    """Whether ``reference`` names a step, and something that steps of its type have."""
    step = steps.get(reference.name)
    if step is None:
        what = f'no step is called "{reference.name}".'
        yield Problem("SM205", where, what, did_you_mean(reference.name, steps))
        return
    if step.type == "Fail":
        yield Problem("SM206", where, f'"{reference.name}" is a Fail step; it has no properties.')
        return
    if not reference.path:
        return  # the whole property document, for a free-form slot
    if reference.path[0] == "PropertyFiles":
        what = f'"{reference.text}" can only stand as "PropertyFile" of a Std:JsonGet.'
        yield Problem("SM112", where, what)
    elif step.type in PROPERTIES:
        yield from _fixed(reference, where, step, steps)


def _fixed(reference: Get, where: str, step: Step, steps: Mapping[str, Step]) -> Iterator[Problem]:
    known = PROPERTIES[step.type]
    if reference.path[0] not in known:
        has = f"no property but {', '.join(known)}" if known else "no properties"
        hint = (
            f"Write Steps.{step.name}.{known[0]}." if len(known) == 1 else did_you_mean(str(reference.path[0]), known)
        )
        yield Problem("SM211", where, f'"{reference.text}": a {step.type} step has {has}.', hint)
    elif step.type in ("Lambda", "Callback"):
        yield from _output_parameter(reference, where, step)
    elif step.type == "ForEach":
        yield from _loop_result(reference, where, step, steps)


def _output_parameter(reference: Get, where: str, step: Step) -> Iterator[Problem]:
    declared = {output.name for output in step.output_parameters}
    match reference.path:
        case ("OutputParameters", Key(name=name)) | ("OutputParameters", str(name)):
            if name not in declared:
                what = f'step "{step.name}" declares no output "{name}".'
                yield Problem("SM211", where, what, did_you_mean(name, declared))
        case _:
            what = f'"{reference.text}" names no output of the {step.type} step.'
            yield Problem("SM211", where, what, f"Write Steps.{step.name}.OutputParameters['name'].")


def _loop_result(reference: Get, where: str, step: Step, steps: Mapping[str, Step]) -> Iterator[Problem]:
    match reference.path:
        case ("IterationOutputs", int(), str(body), *rest):
            target = steps.get(body)
            if target is None or target.parent != step.name:
                what = f'the body of "{step.name}" has no step "{body}".'
                yield Problem("SM211", where, what, did_you_mean(body, step.body))
            else:
                inner = Get("Steps", body, tuple(rest), reference.text)
                yield from property_problems(inner, where, steps)
        case ("IterationOutputs", *_):
            fix = f"Write Steps.{step.name}.IterationOutputs[0].<step>.<path>."
            yield Problem("SM211", where, f'"{reference.text}" needs an index and a step of the body.', fix)
        case ("Selected", *_) if "Selector" not in step.arguments:
            what = f'"{reference.text}": the ForEach step has no Selector, so nothing is selected.'
            yield Problem("SM211", where, what, 'Add a "Selector".')
