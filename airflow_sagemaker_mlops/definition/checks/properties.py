"""Readable properties of a step: ``Steps.<name>.<path>``, and files in the outputs of Processing steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..expressions import kind_of
from ..keys import output_names
from ..model import Get, JsonGet, Key, PathPart, Step
from ..problems import Problem, Severity, did_you_mean
from ..step_types import DECLARED, syntax_of

if TYPE_CHECKING:
    from ..parse import Parsed


MAX_SELECTED = 20  # a valid Selector reads one; each is looked up for each reference


def property_problems(reference: Get, where: str, steps: Mapping[str, Step]) -> Iterator[Problem]:
    """A reference names a step, and a property that steps of this type have."""
    step = steps.get(reference.name)
    if step is None:
        what = f'no step is called "{reference.name}".'
        yield Problem("SM205", where, what, did_you_mean(reference.name, steps))
        return
    if step.type == "Fail":
        yield Problem("SM206", where, f'"{reference.name}" is a Fail step, which has no properties.')
        return
    if not reference.path:
        return  # the whole property document, for a free-form slot
    if reference.path[0] == "PropertyFiles":
        what = f'"{reference.text}" is valid only as "PropertyFile" of a Std:JsonGet.'
        yield Problem("SM112", where, what)
    elif (known := syntax_of(step.type).properties) is not None:
        yield from _fixed(reference, where, step, steps, known)


def declared_type(step: Step, path: tuple[PathPart, ...]) -> str | None:
    """The parameter type of the property at ``path`` of ``step``; ``None`` if the definition does not determine it."""
    match path:
        case (str(member),):
            kind = (syntax_of(step.type).properties or {}).get(member)
            return kind if kind and kind != DECLARED else None
        case (str(member), Key(name=output) | str(output)) if _is_declared(step, member):
            declared = step.declared_outputs.get(output)
            return declared.type if declared is not None else None
        case _:
            return None


def _is_declared(step: Step, member: str) -> bool:
    return (syntax_of(step.type).properties or {}).get(member) == DECLARED


def _fixed(
    reference: Get, where: str, step: Step, steps: Mapping[str, Step], properties: Mapping[str, str]
) -> Iterator[Problem]:
    known = tuple(properties)
    if reference.path[0] not in known:
        article = "an" if step.type.startswith("x-") else "a"
        has = f"only these properties: {', '.join(known)}" if known else "no properties"
        hint = (
            f"Write Steps.{step.name}.{known[0]}." if len(known) == 1 else did_you_mean(str(reference.path[0]), known)
        )
        yield Problem("SM211", where, f'"{reference.text}": {article} {step.type} step has {has}.', hint)
    elif properties[str(reference.path[0])] == DECLARED:
        yield from _output_parameter(reference, where, step)
    elif step.type == "ForEach":
        yield from _loop_result(reference, where, step, steps)
    elif step.type == "Condition" and len(reference.path) > 1:
        what = f'"{reference.text}": an Outcome is a single value and has no members.'
        yield Problem("SM211", where, what, f"Write Steps.{step.name}.Outcome.")


def _output_parameter(reference: Get, where: str, step: Step) -> Iterator[Problem]:
    declared = step.declared_outputs
    match reference.path:
        case ("OutputParameters", Key(name=name)) | ("OutputParameters", str(name)):
            if name not in declared:
                what = f'step "{step.name}" declares no output "{name}".'
                yield Problem("SM211", where, what, did_you_mean(name, declared))
        case _:
            what = f'"{reference.text}" does not name an output of the {step.type} step.'
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
            yield Problem("SM211", where, f'"{reference.text}" needs an index and the name of a step in the body.', fix)
        case ("Selected", *_) if "Selector" not in step.arguments:
            what = f'"{reference.text}": the ForEach step has no Selector, so nothing is selected.'
            yield Problem("SM211", where, what, 'Add a "Selector".')
        case ("Selected", *rest):
            for name in step.selected[:MAX_SELECTED]:
                if name in steps:
                    yield from property_problems(Get("Steps", name, tuple(rest), reference.text), where, steps)
        case (first, _, *_):
            what = f'"{reference.text}": "{first}" is a single value and has no members.'
            yield Problem("SM211", where, what, f"Write Steps.{step.name}.{first}.")


def output_names_are_texts(parsed: Parsed) -> Iterator[Problem]:
    """The name of an output is a string or an expression."""
    for step in parsed.pipeline.steps:
        for where, name in output_names(step):
            if isinstance(name, Mapping | list):
                yield Problem("SM122", where, f"expected the name of an output, found {kind_of(name)}.")


def names_stand_once(parsed: Parsed) -> Iterator[Problem]:
    """An output, output parameter or property file of a step is named once; the last of two is used."""
    for step in parsed.pipeline.steps:
        named = [(where, name, "output") for where, name in output_names(step) if isinstance(name, str)]
        for index, output in enumerate(step.output_parameters):
            named.append((f"{step.where}.OutputParameters[{index}]", output.name, "output"))
        for index, file in enumerate(step.property_files):
            named.append((f"{step.where}.PropertyFiles[{index}]", file.name, "property file"))
        if len(named) < 2:
            continue
        seen: set[tuple[str, str]] = set()
        for where, name, what in named:
            if (name, what) in seen:
                twice = f'step "{step.name}" has the {what} "{name}" twice.'
                yield Problem("SM133", where, twice, "Keep one of them.", severity="warning")
            seen.add((name, what))


def property_files_are_outputs(parsed: Parsed) -> Iterator[Problem]:
    """A property file is in an output of its Processing step."""
    read: set[tuple[str | None, str | None]] | None = None
    for step in parsed.pipeline.steps:
        if not step.property_files:
            continue
        if not syntax_of(step.type).property_files:
            what = f'step "{step.name}" has type {step.type}; only Processing steps have property files.'
            yield Problem("SM208", f"{step.where}.PropertyFiles", what)
            continue
        names = [name for _, name in output_names(step)]
        if not all(isinstance(name, str) for name in names):
            continue  # the value of an expression is only known at run time
        outputs = frozenset(names)
        for index, file in enumerate(step.property_files):
            if file.output not in outputs:
                where = f"{step.where}.PropertyFiles[{index}].OutputName"
                what = f'step "{step.name}" has no output "{file.output}".'
                # An unreadable file only matters if a step reads it.
                if read is None:
                    read = {
                        (one.step, one.property_file) for _, _, one in parsed.references if isinstance(one, JsonGet)
                    }
                severity: Severity = "error" if (step.name, file.name) in read else "warning"
                yield Problem("SM208", where, what, did_you_mean(file.output, outputs), severity=severity)
