"""The part of a run whose steps are processes of their own: all of them take results from the same run.

"latest" is another run as soon as one ends.  So what it meant to the first step of a run is noted beside the records,
and holds for all steps of that run, also for those that a user clears later on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...plan.model import Plan
from ..model.canonical_json import canonical_json
from ..model.step_record import Artifact
from ..store.keys import source_key
from ..store.protocol import Store, Stored
from ..store.stored_json import read_stored
from .selective_run import SelectivePlan, SelectiveRequest, part_of


def pinned_part(
    choice: SelectiveRequest,
    plan: Plan,
    pipeline: str,
    store: Store | None,
    run_id: str,
    *,
    look: Callable[[Artifact], Artifact] | None = None,
    no_records: str,
) -> SelectivePlan:
    """The part that ``choice`` asks for in run ``run_id``, the same at any time.  Raises as ``part_of``.

    look   as of ``part_of``; only for the first step that asks, for later ones the run itself may have changed things
    """
    if store is None:
        return part_of(choice, plan, pipeline, None, no_records=no_records)
    key, asked = source_key(pipeline, run_id), _asked(choice)
    while True:
        found = store.read(key)
        noted = _noted(found, asked)
        looked = None if noted else look
        part = part_of(_of_run(choice, noted), plan, pipeline, store, look=looked, no_records=no_records)
        if noted or part.source is None:
            return part
        note = canonical_json({"asked": asked, "source_run": part.source.run_id})
        if store.replace(key, note, found.tag if found else None):  # else another step was faster
            return part


def _asked(choice: SelectiveRequest) -> dict[str, Any]:
    return {"select": list(choice.patterns), "source_run": choice.source_run or "", "resume": choice.resume}


def _noted(found: Stored | None, asked: Mapping[str, Any]) -> str:
    """The noted run; empty when there is none, or when it is of a deleted run of the same id that asked for another."""
    if found is None:
        return ""
    try:
        note = read_stored(found.data)
    except ValueError:
        return ""  # half-written: noted once more
    same = isinstance(note, dict) and note.get("asked") == asked
    return str(note.get("source_run") or "") if same else ""


def _of_run(choice: SelectiveRequest, run_id: str) -> SelectiveRequest:
    if not run_id:
        return choice
    return replace(choice, resume=run_id) if choice.resume else replace(choice, source_run=run_id)
