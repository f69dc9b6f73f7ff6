"""Compares a reproduction with the record: inputs, code and definition before it, results after it, as phrases."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..capture.sources import from_outside
from ..model.documents import RecordDocument
from ..model.errors import CannotBePinned, RecordError
from ..model.step_record import Artifact, Code, StepRecord
from ..store.keys import content_key
from ..store.protocol import Store
from ..store.stored_json import read_stored

Steps = Mapping[str, StepRecord]


def stored_definition(store: Store, record: RecordDocument) -> dict[str, Any]:
    """The stored definition of a recorded run.  Raises :class:`RecordError` if it cannot be run again."""
    copy = record["definition"].get("copy")
    if not copy:
        raise CannotBePinned("the record has no copy of its definition.")
    if copy["masked"]:
        raise CannotBePinned("the stored definition had secrets, which are not kept.")
    found = store.read(content_key(record["run"]["dag_id"], "definitions", copy["sha256"]))
    if found is None:
        raise CannotBePinned(f"the stored definition {copy['uri']} is gone.")
    try:
        return dict(read_stored(found.data))
    except (ValueError, TypeError):
        raise RecordError(f"the stored definition {copy['uri']} is cut off or was altered.") from None


def what_changed(
    record: RecordDocument,
    steps: Steps,
    *,
    definition_hash: str,
    commit: Code | None,
    inspect: Callable[[Artifact], Artifact],
) -> Iterator[str]:
    """Differences from the record that are visible before the reproduction starts.

    commit    current commit of the definition's file; ``None`` skips this comparison
    inspect   returns an artifact as it is now, see ``fingerprint``
    """
    if record["definition"]["sha256"] != definition_hash:
        yield "the definition was changed"
    was = next((code for step in steps.values() for code in step.code if code.commit), None)
    if was is not None and commit is not None:
        if was.commit != commit.commit:
            yield f"the code is at commit {commit.commit[:12]}, and was at {was.commit[:12]}"
        elif was.dirty or commit.dirty:
            yield f"the working tree {'had' if was.dirty else 'has'} changes that are not in commit {was.commit[:12]}"
    for name, artifact in from_outside(steps):
        there = replace(artifact, uri=artifact.named)
        yield from _input(name, there, inspect(there))


def changed_meanwhile(before: Steps, after: Steps) -> Iterator[str]:
    """Inputs that changed between the start of the reproduction and its reading them."""
    for name, was in from_outside(before):
        for now in after[name].inputs if name in after else ():
            if now.uri == was.uri and was.sha256 and now.sha256 not in ("", was.sha256):
                yield f"{now.uri} of {name} was changed during the run"


def _input(step: str, was: Artifact, now: Artifact) -> Iterator[str]:
    if not was.sha256:
        yield f"{was.uri} of {step} has no fingerprint in the record ({was.problem or 'it was not listed'})"
    elif not now.sha256:
        yield f"{was.uri} of {step} cannot be compared: {now.problem}"
    elif not now.objects:
        yield f"{was.uri} of {step} is gone"
    elif was.sha256 != now.sha256:
        yield f"{was.uri} of {step} was changed: {was.objects} objects, {was.bytes} bytes -> {now.objects}, {now.bytes}"


def unpinned_images(steps: Steps) -> list[str]:
    """Images without a digest in the record; nobody can tell whether they are the same."""
    return sorted({image.uri for step in steps.values() for image in step.images if not image.digest})


def differences(before: Steps, after: Steps, tolerance: float) -> list[str]:
    """Different statuses, metrics and decisions; ``tolerance`` is relative, and absolute near zero."""
    return [line for name in before for line in _step(name, before[name], after.get(name), tolerance)]


def compared(steps: Steps) -> int:
    """The number of values that :func:`differences` can compare."""
    return sum(len(_values(step)) for step in steps.values())


def _step(name: str, was: StepRecord, now: StepRecord | None, tolerance: float) -> Iterator[str]:
    if was.status == "NotSelected":
        return  # the recorded run was selective; the reproduction runs all steps
    status = now.status if now is not None else "NotStarted"
    if was.status != status:
        yield f"{name} {was.status} -> {status}"
    old, new = _values(was), _values(now) if now is not None else {}
    for value in old:
        if value not in new:
            yield f"{name}: {value} is missing"
        elif not _equal(old[value], new[value], tolerance):
            yield f"{name}: {value} {old[value]} -> {new[value]}"


def _values(step: StepRecord) -> dict[str, Any]:
    """Metrics by name, and both sides of every comparison."""
    values: dict[str, Any] = dict(step.metrics)
    decision = step.decision or {}
    if decision:
        values["outcome"] = decision.get("Outcome")
    for at, term in enumerate(decision.get("Terms") or (), 1):
        values |= {f"{side.lower()} side of comparison {at}": term.get(side) for side in ("Left", "Right")}
    return values


def _equal(old: object, new: object, tolerance: float) -> bool:
    numbers = [value for value in (old, new) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 2:
        return bool(old == new)
    same_nan = all(math.isnan(number) for number in numbers)
    return same_nan or math.isclose(*numbers, rel_tol=tolerance, abs_tol=tolerance)
