"""What Processing steps write: outputs, and property files in them (language reference 3.5, 5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .expressions import kind_of
from .model import JsonGet, Step
from .problems import Problem, did_you_mean

if TYPE_CHECKING:
    from .parse import Parsed


def output_names(step: Step) -> list[tuple[str, Any]]:
    """Place and value of every ``OutputName`` of a Processing step; a value may be anything."""
    config = step.arguments.get("ProcessingOutputConfig") if step.type == "Processing" else None
    outputs = config.get("Outputs") if isinstance(config, Mapping) else None
    rows = outputs if isinstance(outputs, list) else []
    base = f"{step.where}.Arguments.ProcessingOutputConfig.Outputs"
    return [
        (f"{base}[{index}].OutputName", row.get("OutputName"))
        for index, row in enumerate(rows)
        if isinstance(row, Mapping)
    ]


def output_names_are_texts(parsed: Parsed) -> Iterator[Problem]:
    """The name of an output is a text, or an expression that gives one."""
    for step in parsed.pipeline.steps:
        for where, name in output_names(step):
            if isinstance(name, Mapping | list):
                yield Problem("SM122", where, f"{kind_of(name)} stands where the name of an output is wanted.")


def names_stand_once(parsed: Parsed) -> Iterator[Problem]:
    """An output, output parameter or property file of a step is named once; of two, the last is read."""
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
                told = f'step "{step.name}" has the {what} "{name}" twice.'
                yield Problem("SM133", where, told, "Keep one of them.", severity="warning")
            seen.add((name, what))


def property_files_are_outputs(parsed: Parsed) -> Iterator[Problem]:
    """A property file lies in an output that its Processing step has."""
    for step in parsed.pipeline.steps:
        if not step.property_files:
            continue
        if step.type != "Processing":
            what = f'step "{step.name}" is of the type {step.type}; only Processing steps have property files.'
            yield Problem("SM208", f"{step.where}.PropertyFiles", what)
            continue
        names = [name for _, name in output_names(step)]
        if not all(isinstance(name, str) for name in names):
            continue  # a name given by an expression is only known at run time
        for index, file in enumerate(step.property_files):
            if file.output not in names:
                where = f"{step.where}.PropertyFiles[{index}].OutputName"
                what = f'step "{step.name}" has no output "{file.output}".'
                # The file cannot be read, which only matters to a step that reads it.
                read = any(
                    isinstance(ref, JsonGet) and (ref.step, ref.property_file) == (step.name, file.name)
                    for _, _, ref in parsed.references
                )
                fix = did_you_mean(file.output, names)
                yield Problem("SM208", where, what, fix, severity="error" if read else "warning")
