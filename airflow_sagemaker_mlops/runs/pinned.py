"""A pinned reproduction: everything from outside the recorded run, as it was then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..execution.request_overrides import RequestOverrides
from ..plan.model import Plan
from ..plan.selection import Selection
from ..records.capture.recorder import Recorder
from ..records.reproduce.compare import Steps
from ..records.reproduce.input_versions import copy_inputs, find_inputs, pinned_images
from ..records.reproduce.recorded_answers import AnsweringRecorder, answers_for, done_again
from ..records.reuse.source_run import source_of
from ..records.store.listing import read_listing

if TYPE_CHECKING:
    from ..records.model.documents import RecordDocument
    from ..s3 import S3Client


@dataclass(frozen=True, slots=True)
class Pinned:
    """The inputs of a pinned run."""

    overrides: RequestOverrides
    selection: Selection | None
    recorder: AnsweringRecorder


def pin(
    recorder: Recorder,
    plan: Plan,
    record: RecordDocument,
    steps: Steps,
    s3: S3Client,
    *,
    copies: str,
    log: Callable[[str], None],
) -> Pinned | tuple[str, ...]:
    """Find and copy the recorded versions; ``log`` receives messages about it.

    copies   where copies go, ``s3://bucket/prefix``; "" for the inputs' own buckets

    The problems if something is no longer available; then nothing was copied.  Raises :class:`RecordError` when the
    recorded answers do not do, or something cannot be copied.
    """
    source = source_of(record, steps)
    answers = answers_for(plan, source)
    again = done_again(steps)
    found = find_inputs(s3, again, partial(read_listing, recorder.store, str(record["run"]["dag_id"])))
    if found.problems:
        return tuple(found.problems)
    uris = copy_inputs(s3, found, copies)
    for uri, copied in uris.items():
        log(f"pinned {uri}: recorded versions are at {copied}")
    if answers.reused:
        log(f"taken from the record instead of being run again: {', '.join(_named(answers.reused, steps))}")
    selection = Selection(answers.selected + answers.reused, (), answers.not_selected) if answers.not_selected else None
    overrides = RequestOverrides(uris, pinned_images(again.values()))
    return Pinned(overrides, selection, AnsweringRecorder(recorder, answers, source))


def _named(answered: Sequence[str], steps: Steps) -> list[str]:
    """Steps with their types; children of a loop as one."""
    loops = Counter(steps[name].loop for name in answered if steps[name].loop)
    names = [f"{name} ({steps[name].type})" for name in answered if not steps[name].loop]
    return names + [f"{count} steps in {loop}" for loop, count in loops.items()]
