"""Checks property paths against botocore's model of the Describe response, before the run and without a network.

A path that does not exist fails the step that reads it.  The installed botocore may be older than the service, so these
are warnings (SM211).  ``definition.checks.properties`` handles types with a fixed set of properties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..definition.expressions import Reader
from ..definition.model import Get, Key, PathPart, Pipeline, Step
from ..definition.problems import Problem, did_you_mean, place_text
from ..definition.property_paths import NATURAL_KEYS, MissingValue, format_path, lookup
from ..definition.step_types import syntax_of
from .catalogue import STEP_TYPES
from .model import StepType
from .shapes import SCALARS, operation_output

if TYPE_CHECKING:
    from ..json_types import ModelShape


def path_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Report property paths that the Describe response of the step does not have."""
    steps = pipeline.by_name
    reader = Reader()
    reader.value(pipeline.document.get("Steps"), (None, "Steps"), free=True)
    for place, reference in reader.references:
        if not isinstance(reference, Get):
            continue
        step, path = _target(reference, steps)
        entry = STEP_TYPES.get(step.type) if step is not None else None
        if (
            step is None
            or entry is None
            or not entry.describe
            or syntax_of(step.type).properties is not None
            or not path
        ):
            continue
        found = _lost(path, _members(entry), step)
        if found is not None:
            what, fix = found
            yield Problem("SM211", place_text(place), f'"{reference.text}": {what}', fix, severity="warning")


def shape_at(reference: Get, steps: Mapping[str, Step]) -> Any:
    """botocore's shape of the value that ``reference`` reads; ``None`` if it is unknown."""
    step, path = _target(reference, steps)
    entry = STEP_TYPES.get(step.type) if step is not None else None
    if step is None or entry is None or not entry.describe or syntax_of(step.type).properties is not None or not path:
        return None
    shape: Any = _members(entry)
    for part in path:
        match _kind(shape):
            case "structure":
                name = part.name if isinstance(part, Key) else str(part)
                shape = _below(shape, entry).get(name)
            case "list":
                shape = shape.member
            case "map":
                shape = shape.value
            case _:  # into JSON, or missing, which is reported elsewhere
                return None
    return shape


def _target(reference: Get, steps: Mapping[str, Step]) -> tuple[Step | None, tuple[PathPart, ...]]:
    """The step that ``reference`` reads, possibly in the body of a loop, and the path below it."""
    step = steps.get(reference.name) if reference.root in ("Steps", "IterationOutput") else None
    if step is None or step.type != "ForEach":
        return step, reference.path
    match reference.path:
        case ("IterationOutputs", int(), str(body), *rest):
            return steps.get(body), tuple(rest)
        case ("Selected", *rest):
            fields = (r.name for r in step.references if isinstance(r, Get) and r.root == "IterationOutput")
            return steps.get(next(fields, "")), tuple(rest)
        case _:
            return None, ()


def _members(entry: StepType) -> dict[str, Any]:
    """The members of this type's property document: botocore's shapes, and those that its entry adds."""
    shape = operation_output(entry.service, entry.describe)
    shape = shape.members[entry.wrapped] if entry.wrapped else shape
    members = {_spelt(name, entry): member for name, member in shape.members.items()}
    if entry.extra:
        members[entry.extra_member] = operation_output(entry.service, entry.extra).members[entry.extra_member]
    return {**members, **entry.added}


def _spelt(name: str, entry: StepType) -> str:
    return name[:1].upper() + name[1:] if entry.camel else name


def _lost(path: tuple[PathPart, ...], members: Mapping[str, object], step: Step) -> tuple[str, str] | None:
    """The problem and fix of ``path`` in a document with ``members``; ``None`` if the path exists."""
    shape: Any = members
    for index, part in enumerate(path):
        walked = format_path(path[:index])
        article = "an" if step.type[0] in "AEI" else "a"
        owner = f'"{walked}"' if walked else f"{article} {step.type} step"
        name = part.name if isinstance(part, Key) else part
        match _kind(shape):
            case "structure":
                known = _below(shape, STEP_TYPES[step.type])
                if name not in known:
                    word = "member" if walked else "property"
                    shown = f'"{name}"' if isinstance(name, str) else format_path([part])
                    return f"{owner} has no {word} {shown}.", did_you_mean(str(name), known)
                shape = known[str(name)]
            case "list":
                if isinstance(part, str):
                    return f"{owner} is a list.", f"Write {walked}[0].{part}, or {walked}['name'].{part}."
                names = _names(step, path[:index]) if isinstance(part, Key) else None
                if names is not None and name not in names:
                    return f'step "{step.name}" has no "{name}" in {walked}.', did_you_mean(str(name), names)
                count = _count(step, path[:index]) if isinstance(part, int) else None
                if count is not None and isinstance(part, int) and part >= count:
                    items = f"{count} item" + ("" if count == 1 else "s")
                    return f'step "{step.name}" has {items} in {walked}, counted from 0.', ""
                shape = shape.member
            case "map":
                entries = _given(step, path[:index])
                own = str(name).startswith("_")  # SageMaker adds such names to the hyperparameters of a tuning job
                if isinstance(entries, Mapping) and entries.get(name) is None and not own:
                    return f'step "{step.name}" has no "{name}" in {walked}.', did_you_mean(str(name), entries)
                shape = shape.value
            case "scalar" if path[index - 1] not in STEP_TYPES[step.type].json_texts:
                return f"{owner} is a single value and has no {format_path([part])}.", f"Write {walked}."
            case _:
                return None
    return None


def _kind(shape: ModelShape | Mapping[str, object] | None) -> str:
    if shape is None:
        return "scalar"
    if isinstance(shape, Mapping):
        return "structure"
    if getattr(shape, "is_document_type", False):
        return "open"
    return "scalar" if shape.type_name in SCALARS else str(shape.type_name)


def _below(shape: ModelShape | Mapping[str, object], entry: StepType) -> Mapping[str, Any]:
    if isinstance(shape, Mapping):
        return shape
    return {_spelt(name, entry): member for name, member in shape.members.items()}


def _names(step: Step, path: tuple[PathPart, ...]) -> list[str] | None:
    """The names of the list items, from the step's arguments; ``None`` if any name is possible, or unknown."""
    items = _given(step, path)
    rows = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    names = [row[key] for row in rows for key in NATURAL_KEYS if row.get(key) is not None]
    return names if rows and all(isinstance(name, str) for name in names) else None


def _count(step: Step, path: tuple[PathPart, ...]) -> int | None:
    """The maximum length of a list, from the step's arguments; ``None`` if unlimited or unknown."""
    limit = STEP_TYPES[step.type].item_limits.get(format_path(path))
    if limit is not None:
        most = _given(step, limit)
        return most if isinstance(most, int) else None
    items = _given(step, path)
    return len(items) if isinstance(items, list) else None


def _given(step: Step, path: tuple[PathPart, ...]) -> Any:
    """The value at ``path`` in the step's request, which Describe returns; ``None`` if there is none."""
    try:
        return lookup(step.arguments, path)
    except MissingValue:
        return None
