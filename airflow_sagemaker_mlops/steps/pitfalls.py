"""What is well-formed and cannot be what was meant: warnings of ``check`` that need no model of the API.

One rule, one function, as in ``definition.checks.references``; a definition with any of this is run all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..definition.expressions import ROOTS
from ..definition.location import Place, place_text
from ..definition.model import Get, Pipeline, Step
from ..definition.problems import Problem, warning
from .catalogue import entry_of
from .known_text import known_text

_ROOT = "|".join(ROOTS)
PYTHON_TEXT = re.compile(
    r"<[\w.]+(?:\[[\w., ]+\])? object at 0x[0-9a-fA-F]+>"
    r"|<(?:bound method|function) [\w.<>]+ (?:at 0x|of <)"
    r"|\bParameter(?:String|Integer|Float|Boolean)\(name='[^']*', parameter_type=<"
    r"|\bExecutionVariable\(name="
    r"|\bJoin\(on='[^']*', values=\["
    r"|\bJsonGet\(step_name=|\bPropertyFile\(name='"
    rf"|\{{'Get': '(?:{_ROOT})\."
    r"|\{'Std:(?:Join|JsonGet)': \{"
)
_NAMED = re.compile(r"\bParameter\w*\(name='([\w-]+)'|'Get': '([\w.\[\]'-]+)'")
ENDS = {"Failed": "failed", "Stopped": "was stopped"}
Rule = Callable[[Pipeline], Iterator[Problem]]


def no_text_is_a_python_object(pipeline: Pipeline) -> Iterator[Problem]:
    """No string holds what ``str()`` or an f-string makes of an expression of the SDK."""
    for key in ("Parameters", "Steps"):
        for place, text in _texts(pipeline.document.get(key), (None, key)):
            found = PYTHON_TEXT.search(text)
            if found is None:
                continue
            named = _NAMED.search(text)
            parameter, reference = (named[1], named[2]) if named else (None, None)
            reference = f"Parameters.{parameter}" if parameter in pipeline.parameters_by_name else reference
            fix = "Give the SDK the object itself; Join of sagemaker.workflow.functions puts it into a text."
            if reference:
                fix = (
                    f'Write {{"Get": "{reference}"}}, or a Std:Join with it: pass the object to the SDK, not its text.'
                )
            shown = _cut(text[found.start() :] if found.start() > 20 else text)
            what = f'"{shown}" has the text of a Python object in it.'
            yield warning("SM110", place_text(place), what, fix)


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    stack: list[tuple[Any, Place]] = [(value, place)]
    while stack:
        item, where = stack.pop()
        if isinstance(item, str):
            yield where, item
        elif isinstance(item, Mapping):
            stack.extend((child, (where, key)) for key, child in item.items())
        elif isinstance(item, list):
            stack.extend((child, (where, index)) for index, child in enumerate(item))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def steps_pass_the_rules_of_their_type(pipeline: Pipeline) -> Iterator[Problem]:
    """What the entry of the step's type knows."""
    for step in pipeline.steps:
        entry = entry_of(step.type)
        for pitfall in entry.pitfalls if entry is not None else ():
            yield from pitfall(step, pipeline)


def targets_can_be_ones(pipeline: Pipeline) -> Iterator[Problem]:
    """A step that calls something names what can be one: a function, a queue."""
    for step in pipeline.steps:
        entry = entry_of(step.type)
        target = entry.target if entry is not None else None
        if target is None or target.key not in step.settings:
            continue
        given = step.settings[target.key]
        text = known_text(given, pipeline.parameters_by_name)
        if text is not None and not target.takes(text):
            default = "" if isinstance(given, str) else ", which its expressions give by default,"
            what = f'"{_cut(text)}"{default} {target.misfit}'
            yield warning("SM224", f"{step.where}.{target.key}", what, f"Write one like {target.example}.")


def outputs_of_failures_are_not_read(pipeline: Pipeline) -> Iterator[Problem]:
    """A step that waits for the failure of another does not read what that one gives only when it succeeds."""
    steps = pipeline.by_name
    for step in pipeline.steps:
        read = {r.name: r.text for r in step.references if isinstance(r, Get) and r.root == "Steps"}
        for dependency in step.depends_on:
            target = steps.get(dependency.step)
            entry = entry_of(target.type) if target is not None else None
            if target is None or entry is None or not entry.empty_on_failure or dependency.trigger not in ENDS:
                continue
            if dependency.step in read:
                what = (
                    f'"{step.name}" runs when "{target.name}" {ENDS[dependency.trigger]}, and reads '
                    f"{read[dependency.step]}: a {target.type} step that did not succeed has none."
                )
                fix = 'Wait for "Completed", or do without the value.'
                yield warning("SM225", dependency.where, what, fix)


def property_files_lie_in_their_output(pipeline: Pipeline) -> Iterator[Problem]:
    """The path of a property file is that of a file below the output."""
    for step in pipeline.steps:
        for index, file in enumerate(step.property_files):
            if "://" in file.path or ".." in file.path.split("/") or file.path.endswith("/"):
                why = "is not the path of a file below the output"
            elif file.path.startswith("/"):
                why = "begins with a slash, which is left out: the path is relative to the output"
            else:
                continue
            where = f"{step.where}.PropertyFiles[{index}].FilePath"
            local = next((path for path in _local_paths(step, file.output) if file.path.startswith(f"{path}/")), "")
            meant = file.path.removeprefix(local).strip("/").rpartition("://")[2]
            fix = f'Write "{meant}".' if ".." not in meant and meant and "://" not in file.path else ""
            yield warning("SM226", where, f'"{file.path}" {why}.', fix)


def _local_paths(step: Step, output: str) -> Iterator[str]:
    """Where the container writes ``output``; people give the path in the container as that of the file."""
    config = step.arguments.get("ProcessingOutputConfig")
    rows = config.get("Outputs") if isinstance(config, Mapping) else None
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and row.get("OutputName") == output:
            target = row.get("S3Output")
            path = target.get("LocalPath") if isinstance(target, Mapping) else None
            if isinstance(path, str):
                yield path.rstrip("/")


RULES: tuple[Rule, ...] = (
    no_text_is_a_python_object,
    steps_pass_the_rules_of_their_type,
    targets_can_be_ones,
    outputs_of_failures_are_not_read,
    property_files_lie_in_their_output,
)
