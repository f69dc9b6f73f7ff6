"""Arguments of a Cleanup step: the names of steps (docs/language/steps/cleanup.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .model import Step
from .problems import Problem, did_you_mean

if TYPE_CHECKING:
    from .parse import Parsed


def cleaned_steps(step: Step) -> list[str]:
    """Names of the steps whose outputs ``step`` deletes; empty for other step types."""
    if step.type != "Cleanup":
        return []
    resources = step.arguments.get("Resources")
    items = resources.get("S3") if isinstance(resources, Mapping) else None
    rows = items if isinstance(items, list) else []
    names = [row.get("StepName") for row in rows if isinstance(row, Mapping)]
    return [name for name in names if isinstance(name, str)]


def cleaned_steps_exist(parsed: Parsed) -> Iterator[Problem]:
    """A Cleanup step names only steps of the pipeline."""
    steps = parsed.pipeline.by_name
    for step in parsed.pipeline.steps:
        for index, name in enumerate(cleaned_steps(step)):
            if name not in steps:
                where = f"{step.where}.Arguments.Resources.S3[{index}].StepName"
                yield Problem("SM201", where, f'no step is called "{name}".', did_you_mean(name, steps))
