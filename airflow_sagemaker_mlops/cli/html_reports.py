"""``--html FILE`` of ``records show``, ``records diff`` and ``champion history``: reports that need no server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ..execution.failure_report import LAST_LINES
from ..execution.step_run import now
from ..records.model.documents import AmendmentDocument, RecordDocument
from ..records.model.errors import RecordError
from ..records.model.step_record import StepRecord
from ..records.model.timestamps import moment
from ..records.store.index import READERS, read_index
from ..records.store.protocol import Store
from ..records.store.reader import read_record, steps_of
from ..records.store.sealed import record_name
from ..reports.run_view import run_view
from .output.terminal import clean, say, write_out

if TYPE_CHECKING:
    from ..registry.history import Entry
    from ..reports.shapes import RunView

MAX_SEARCHED = 100  # records that are read to find the run that made the champion
LogOf = Callable[[StepRecord], Iterable[str]]


def write_run(
    store: Store,
    record: RecordDocument,
    steps: Mapping[str, StepRecord],
    *,
    amendments: Sequence[AmendmentDocument],
    log_of: LogOf,
    console: bool,
    out: Path,
) -> int:
    """Write the report of a run, with the run before it, the champion's run and the last log lines of failed jobs."""
    from ..reports.html import run_page

    earlier = _earlier(store, record)
    previous = next((document for name in earlier if (document := _readable(store, record, name))), None)
    logs = _last_lines(store, steps.values(), log_of)
    view = run_view(_whole(record, steps), previous, amendments=amendments, logs=logs, console=console)
    champion = _run_that_made(store, record, view, earlier)
    if champion is not None:
        view = run_view(_whole(record, steps), previous, champion, amendments=amendments, logs=logs, console=console)
    return _written(run_page(view, made=now()), out)


def write_comparison(
    sides: Sequence[tuple[RecordDocument, Mapping[str, StepRecord]]], phrases: Sequence[str], *, out: Path
) -> int:
    """Write the report of two runs, the older first."""
    from ..reports.html import comparison_page

    (old, old_steps), (new, new_steps) = sides
    before = run_view(_whole(old, old_steps))
    after = run_view(_whole(new, new_steps), _whole(old, old_steps))
    return _written(comparison_page(before, after, [clean(phrase) for phrase in phrases], made=now()), out)


def write_history(group: str, champion: str, entries: Sequence[Entry], *, out: Path) -> int:
    """Write the report of a group's champions; ``entries`` newest first."""
    from ..reports.html import history_page

    time = now()
    return _written(history_page(group, entries, champion=champion, now=time, made=time), out)


def _whole(record: RecordDocument, steps: Mapping[str, StepRecord]) -> RecordDocument:
    """``record`` with the requests that are stored apart."""
    return {**record, "steps": [step.as_json() for step in steps.values()]}


def _written(page: str, out: Path) -> int:
    code = write_out(page, None if str(out) == "-" else out)
    if not code and str(out) != "-":
        say(f"wrote {out} ({len(page.encode()) / 1000:.0f} kB)", err=True)
    return code


def _earlier(store: Store, record: RecordDocument) -> list[str]:
    """Names of the records of the DAG that started before this run, the latest first."""
    own, started = record_name(record["run"]), moment(record["run"].get("started"))
    newest = read_index(store, record["run"]["dag_id"]).newest()
    return [
        str(one["run_id"])
        for one in newest
        if one["run_id"] != own and (moment(one.get("started")) < started or "started" not in record["run"])
    ]


def _readable(store: Store, record: RecordDocument, name: str) -> RecordDocument | None:
    try:
        earlier = read_record(store, record["run"]["dag_id"], name)
        return _whole(earlier, steps_of(store, earlier))
    except RecordError as error:  # records verify reports what is wrong with it
        say(f"skipped: {error}", err=True)
        return None


def _run_that_made(
    store: Store, record: RecordDocument, view: RunView, earlier: Sequence[str]
) -> RecordDocument | None:
    """The record of the run that registered the champion that this run compared with."""
    arn = view["decision"]["champion"] if view["decision"] is not None else ""
    if not arn:
        return None
    with ThreadPoolExecutor(max_workers=READERS) as readers:
        found = readers.map(lambda name: _readable(store, record, name), earlier[:MAX_SEARCHED])
        return next((one for one in found if one and any(m.get("arn") == arn for m in one.get("models", []))), None)


def _last_lines(store: Store, steps: Iterable[StepRecord], log_of: LogOf) -> dict[str, list[str]]:
    """The last log lines of the jobs of failed steps, as far as they can be read; none for records in a folder."""
    found: dict[str, list[str]] = {}
    for step in steps:
        if step.status == "Failed" and step.attempts and store.base.startswith("s3://"):
            try:
                found[step.step] = [clean(line) for line in log_of(step)][-LAST_LINES:]
            except Exception as error:
                say(f"the log of {step.step} is not in the report: {error}", err=True)
    return found
