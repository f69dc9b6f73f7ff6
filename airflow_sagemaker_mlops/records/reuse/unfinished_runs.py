"""Command-line runs that ended without a record because their process was killed.

Such a run leaves a start note and the records of its finished steps.  The run id and the start determine the job names,
so another process can continue the run and finds its jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...execution.secret_masking import mask
from ...plan.model import Plan
from ..model.canonical_json import compact_json, plain
from ..model.errors import BrokenRecord
from ..model.step_record import StepRecord
from ..model.timestamps import moment
from ..seal.seal import read_step_records
from ..store.index import read_index
from ..store.keys import name_of, record_key, start_key, starts_prefix
from ..store.protocol import Store, address
from ..store.reader import LATEST
from ..store.stored_json import read_stored
from .source_run import SourceRun


@dataclass(frozen=True, slots=True)
class Start:
    """The start note of a run.

    parameters   the values that are not defaults, secrets masked
    process      {"host", "pid", "started"} of the process that runs it
    """

    run_id: str
    started: str
    definition_hash: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    process: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run without a record; ``steps`` holds the records of its finished steps, by name."""

    start: Start
    steps: Mapping[str, StepRecord]

    def as_source(self, plan: Plan) -> SourceRun:
        """The run as a source run.  Steps in branches that were not taken are NotTaken."""
        steps = dict(self.steps)
        for task in plan.tasks:
            ended = self.steps.get(task.task_id)
            if task.step_type == "Condition" and ended is not None and ended.status == "Succeeded":
                taken = bool(((ended.result or {}).get("Properties") or {}).get("Outcome"))
                for name in task.spec.branches.get("Else" if taken else "If", ()):
                    if name in plan.by_id:
                        steps.setdefault(name, StepRecord(name, plan.by_id[name].step_type, "NotTaken"))
        start = self.start
        return SourceRun(start.run_id, "Stopped", start.definition_hash, start.parameters, steps)


def save_start(store: Store, dag_id: str, start: Start, secrets: Iterable[str] = ()) -> None:
    """Store the start note of a run, without ``secrets``."""
    store.write(start_key(dag_id, start.run_id), compact_json(mask(plain(asdict(start)), {*secrets})))


def delete_start(store: Store, dag_id: str, run_id: str) -> None:
    """Delete the start note of a run that has its record."""
    store.delete(start_key(dag_id, run_id))


def unfinished(store: Store, dag_id: str, name: str) -> Unfinished | None:
    """The run called ``name`` (an id, its beginning, "latest") if it has no record; otherwise ``None``.

    Raises :class:`BrokenRecord` for a damaged note or step record.
    """
    without = [
        run_id
        for run_id in (
            name_of(key.rpartition("/")[2].removesuffix(".json")) for key in store.keys(starts_prefix(dag_id))
        )
        if store.read(record_key(dag_id, run_id)) is None
    ]
    starts = [_read(store, dag_id, run_id) for run_id in without]
    if LATEST.fullmatch(name):
        found = sorted(starts, key=lambda start: moment(start.started))[-1:]
        sealed = read_index(store, dag_id).newest(1)
        if name != "latest" or (found and sealed and moment(sealed[0].get("started")) > moment(found[0].started)):
            return None
    else:
        exact = [start for start in starts if start.run_id == name]
        found = exact or [start for start in starts if start.run_id.startswith(name)]
    if len(found) != 1:
        return None
    steps = {step_record.step: step_record for step_record in read_step_records(store, dag_id, found[0].run_id)}
    return Unfinished(found[0], steps)


def _read(store: Store, dag_id: str, run_id: str) -> Start:
    key = start_key(dag_id, run_id)
    found = store.read(key)
    try:
        return Start(**read_stored(found.data if found is not None else b""))
    except (ValueError, TypeError):
        raise BrokenRecord(f"{address(store, key)} is damaged. Delete it; its run cannot be resumed.") from None
