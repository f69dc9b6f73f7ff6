"""Valid definitions that are certainly mistakes: warnings of ``check`` that need no model of the API.

Each rule is one function, as in ``definition.checks.references``; a definition with such a warning can still run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..definition.expressions import ROOTS
from ..definition.model import Get, Pipeline, Step
from ..definition.problems import Place, Problem, place_text, warning
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
    """No string contains the ``str()`` of an SDK expression, e.g. from an f-string."""
    for key in ("Parameters", "Steps"):
        for place, text in _texts(pipeline.document.get(key), (None, key)):
            found = PYTHON_TEXT.search(text)
            if found is None:
                continue
            named = _NAMED.search(text)
            parameter, reference = (named[1], named[2]) if named else (None, None)
            reference = f"Parameters.{parameter}" if parameter in pipeline.parameters_by_name else reference
            fix = "Give the SDK the object itself; to build a string, use Join from sagemaker.workflow.functions."
            if reference:
                fix = (
                    f'Write {{"Get": "{reference}"}}, or a Std:Join with it: pass the object to the SDK, not its text.'
                )
            shown = _cut(text[found.start() :] if found.start() > 20 else text)
            what = f'"{shown}" contains the text of a Python object.'
            yield warning("SM110", place_text(place), what, fix)


def _texts(value: object, place: Place) -> Iterator[tuple[Place, str]]:
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
    """The rules in the entry of the step's type."""
    for step in pipeline.steps:
        entry = entry_of(step.type)
        for pitfall in entry.pitfalls if entry is not None else ():
            yield from pitfall(step, pipeline)


def targets_can_be_ones(pipeline: Pipeline) -> Iterator[Problem]:
    """A step that calls a function or queue has a valid name for it."""
    for step in pipeline.steps:
        entry = entry_of(step.type)
        target = entry.target if entry is not None else None
        if target is None or target.key not in step.settings:
            continue
        given = step.settings[target.key]
        text = known_text(given, pipeline.parameters_by_name)
        if text is not None and not target.takes(text):
            default = "" if isinstance(given, str) else ", the value with the defaults of its expressions,"
            what = f'"{_cut(text)}"{default} {target.misfit}'
            yield warning("SM224", f"{step.where}.{target.key}", what, f"Write one like {target.example}.")


def outputs_of_failures_are_not_read(pipeline: Pipeline) -> Iterator[Problem]:
    """A step that waits for another's failure does not read properties that exist only if that succeeds."""
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
                    f'"{step.name}" runs when "{target.name}" {ENDS[dependency.trigger]}but reads '
                    f"{read[dependency.step]}: a {target.type} step that did not succeed has no such property."
                )
                fix = 'Wait for "Completed", or do not use the value.'
                yield warning("SM225", dependency.where, what, fix)


def property_files_lie_in_their_output(pipeline: Pipeline) -> Iterator[Problem]:
    """The path of a property file is relative to its output."""
    for step in pipeline.steps:
        for index, file in enumerate(step.property_files):
            if "://" in file.path or ".." in file.path.split("/") or file.path.endswith("/"):
                why = "is not the path of a file in the output"
            elif file.path.startswith("/"):
                why = "begins with a slash, which is ignored: the path is relative to the output"
            else:
                continue
            where = f"{step.where}.PropertyFiles[{index}].FilePath"
            local = next((path for path in _local_paths(step, file.output) if file.path.startswith(f"{path}/")), "")
            meant = file.path.removeprefix(local).strip("/").rpartition("://")[2]
            fix = f'Write "{meant}".' if ".." not in meant and meant and "://" not in file.path else ""
            yield warning("SM226", where, f'"{file.path}" {why}.', fix)


def _local_paths(step: Step, output: str) -> Iterator[str]:
    """The container paths of ``output``, because users often write the container path of the file."""
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
