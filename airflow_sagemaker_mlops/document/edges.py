"""Who waits for whom, as far as a document says it: for rules, before there is a plan (language reference 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cleanup import cleaned_steps
from .model import JsonGet

if TYPE_CHECKING:
    from .parse import Parsed


def edges_of(parsed: Parsed) -> dict[str, list[str]]:
    """{step: the steps it waits for}; names that do not exist are left out."""
    pipeline = parsed.pipeline
    steps = pipeline.by_name
    upstream: dict[str, list[str]] = {name: [] for name in steps}
    for step in pipeline.steps:
        if step.parent is not None and step.parent in steps:
            upstream[step.name].append(step.parent)
        upstream[step.name].extend(d.step for d in step.depends_on if d.step in steps)
        upstream[step.name].extend(name for name in cleaned_steps(step) if name in steps)
    for index, _, reference in parsed.references:
        name = reference.step if isinstance(reference, JsonGet) else reference.name
        if index >= 0 and name in steps and (isinstance(reference, JsonGet) or reference.root == "Steps"):
            upstream[pipeline.steps[index].name].append(name)
    for step in pipeline.steps:
        if step.branch == "ForEachBody" and step.parent in upstream:  # the loop begins when all of its body can
            outside = [
                name for name in upstream[step.name] if steps[name].parent != step.parent and name != step.parent
            ]
            upstream[step.parent].extend(outside)
    return upstream
