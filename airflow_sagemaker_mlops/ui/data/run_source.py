"""The record of a DAG run: sealed once the run has ended, until then assembled from what its tasks have stored.

The status task stores the address of the sealed record as an XCom, so the DAG's configuration is not needed.
During the run, Airflow's task instances give the state of each step, and the step records in the store the results of
those that ended.  Without S3 the page still shows the states, and a sentence says what is missing.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from ... import settings
from ...aws_errors import error_code
from ...records.model.errors import NoSuchRecord, RecordError
from ...records.store.sealed import belongs_to, parse_record, record_name
from .airflow_rows import RunRow, TaskRow, as_object, latest_xcoms, run_row, task_order, task_rows, xcoms
from .in_time import NoAnswer, in_time
from .pipelines import Pipeline, chosen, pipelines_of, steps_of, waits_for_people
from .stores import opened, place_of

if TYPE_CHECKING:
    from ...records.model.documents import AmendmentDocument, RecordDocument, RunDocument, StepDocument
    from ...records.store.protocol import Store

log = logging.getLogger(__name__)
RETURNED = "return_value"
UNDER_WAY = {"running": "Executing", "deferred": "Executing", "awaiting_input": "Executing"}
ENDS = {"success": "Succeeded", "failed": "Failed", "skipped": "NotTaken", "upstream_failed": "NotStarted"}
MAX_KEPT, MAX_KEPT_BYTES = 64, 500_000  # sealed records never change; large ones are read again
_KEPT: OrderedDict[tuple[str, str], RecordDocument] = OrderedDict()
_LOCK = Lock()


@dataclass(slots=True)
class RunSource:
    """The known data of one pipeline in a DAG run.

    pipelines   all pipelines of the run; empty if the DAG has none
    record      sealed, or assembled; ``None`` without a pipeline
    why_not     why there is no sealed record; "" if there is one
    waiting     ids of tasks that wait for a person
    unrecorded  steps of which only Airflow's database knows
    silent      the store did not answer in time, so nothing asks it again for this page
    """

    run: RunRow
    rows: list[TaskRow]
    pipelines: list[Pipeline] = field(default_factory=list)
    pipeline: Pipeline | None = None
    record: RecordDocument | None = None
    amendments: list[AmendmentDocument] = field(default_factory=list)
    uri: str = ""
    why_not: str = ""
    waiting: list[str] = field(default_factory=list)
    unrecorded: set[str] = field(default_factory=set)
    silent: bool = False

    def tasks(self) -> list[tuple[str, TaskRow]]:
        """(step name, task instance) of the pipeline's steps."""
        if self.pipeline is None:
            return []
        return [(name, row) for row, name, _kind in steps_of(self.pipeline, self.rows, self.pipelines)]

    @property
    def is_sealed(self) -> bool:
        """Whether ``record`` is final."""
        return self.record is not None and "integrity" in self.record


def source_of(dag_id: str, run_id: str, group: str = "", instance: int = -1, *, read: bool = True) -> RunSource | None:
    """The known data of the run; ``None`` if it does not exist.  Blocking, for a few seconds at most.

    read   whether to read its record; without it only what Airflow's database knows
    """
    run = run_row(dag_id, run_id)
    if run is None:
        return None
    rows = task_rows(dag_id, run_id)
    source = RunSource(run, rows, pipelines_of(dag_id, run_id, rows))
    if not source.pipelines or not read:
        return source
    source.pipeline = chosen(source.pipelines, group, instance)
    source.waiting = [row.task_id for row in rows if waits_for_people(row)]
    source.uri = "" if _is_open(source) else sealed_at(source.pipeline)
    if source.uri:
        try:
            source.record, source.amendments = in_time(
                lambda: sealed_record(source.uri, cast("Pipeline", source.pipeline))
            )
        except Exception as error:
            _note(source, error)
    if source.record is None:
        source.record = _put_together(source)
    return source


def sealed_at(pipeline: Pipeline) -> str:
    """The address of the record that the pipeline's last task has stored; "" if there is none yet."""
    found = xcoms(pipeline.dag_id, pipeline.run_id, [RETURNED])
    uris = (as_object(found.get((task, pipeline.instance, RETURNED))).get("Record") for task in pipeline.enders)
    return next((uri for uri in uris if isinstance(uri, str) and uri), "")


def sealed_record(
    uri: str, pipeline: Pipeline, *, amended: bool = True
) -> tuple[RecordDocument, list[AmendmentDocument]]:
    """The record at ``uri`` and its amendments, or none of these if ``amended`` is false.

    Raises a :class:`RecordError`, also for a record of another DAG or run, and whatever the connection raises.
    """
    from ...records.seal.amendments import read_amendments

    location, key = place_of(uri)
    with _LOCK:
        record = _KEPT.get((uri, pipeline.name))
    if record is not None and not amended:
        return record, []
    store = opened(location)
    if record is None:
        record = _read(store, key, uri, pipeline)
    return record, read_amendments(store, record) if amended else []


def _read(store: Store, key: str, uri: str, pipeline: Pipeline) -> RecordDocument:
    found = store.read(key)
    if found is None:
        raise NoSuchRecord(f"{uri} is gone.")
    record = parse_record(found.data, uri)
    name = record_name(record["run"])
    plain = name if name.partition("#")[0] == pipeline.name else pipeline.name
    belongs_to(record, pipeline.record_id, plain, uri)
    if len(found.data) <= MAX_KEPT_BYTES:
        with _LOCK:
            _KEPT[uri, pipeline.name] = record
            while len(_KEPT) > MAX_KEPT:
                _KEPT.popitem(last=False)
    return record


def _note(source: RunSource, error: Exception) -> None:
    """Keep the first reason why the store cannot be read."""
    source.why_not = source.why_not or reader_message(error)
    source.silent = source.silent or isinstance(error, NoAnswer)


def reader_message(error: Exception) -> str:
    """A sentence for the reader of the page.  Errors of AWS and of Airflow go to the log: they may name accounts."""
    if isinstance(error, RecordError) and type(error.__cause__).__module__.startswith("botocore"):
        cause = error.__cause__
        if cause is not None and not error_code(cause):  # it would name the endpoint and all of the request
            log.warning("%s", error)
            return f"{str(error).partition(': ')[0]}: S3 does not answer ({type(cause).__name__})."
    if isinstance(error, NoAnswer | RecordError):
        return str(error)
    log.warning("cannot read a record for a page: %s: %s", type(error).__name__, error)
    return f"The record cannot be read here ({type(error).__name__}); the log of the API server says why."


def _is_open(source: RunSource) -> bool:
    """Whether the pipeline's last task has not ended in this start of the run."""
    pipeline = cast("Pipeline", source.pipeline)
    states = {row.task_id: row.state for row in source.rows if row.map_index == pipeline.instance}
    ended = [states.get(task) in ENDS for task in pipeline.enders if task in states]
    return source.run.is_live and not any(ended)


def _put_together(source: RunSource) -> RecordDocument:
    """What an unfinished run has stored so far, in the shape of a record."""
    pipeline = cast("Pipeline", source.pipeline)
    written = _step_records(source, pipeline)
    steps: list[StepDocument] = []
    order = task_order(pipeline.dag_id)
    rows = sorted(source.rows, key=lambda row: order.get(row.task_id, len(order)))
    for row, name, kind in steps_of(pipeline, rows, source.pipelines):
        step = written.pop(name, None)
        if step is None or row.state in UNDER_WAY:
            steps.append(_from_row(row, name, kind))
            source.unrecorded.add(name)
        else:
            steps.append(
                {
                    **step,
                    "status": step["status"]
                    if row.state in ("success", "failed")
                    else ENDS.get(row.state, step["status"]),
                }
            )
    steps += written.values()  # children of loops
    run: Any = {
        "dag_id": pipeline.record_id,
        "run_id": pipeline.name,
        "status": "Executing" if source.run.is_live else ENDS.get(source.run.state, ""),
        "started": source.run.started,
        "ended": "" if source.run.is_live else source.run.ended,
        "trigger": source.run.run_type,
        "user": source.run.user,
        "logical_date": source.run.logical_date,
    }
    return {"run": cast("RunDocument", {key: value for key, value in run.items() if value}), "steps": steps}


def _from_row(row: TaskRow, name: str, kind: str) -> StepDocument:
    status = UNDER_WAY.get(row.state) or ENDS.get(row.state) or "NotStarted"
    status = "Waiting" if waits_for_people(row) else status
    step: Any = {"step": name, "type": kind, "status": status, "started": row.started}
    step["ended"] = "" if row.state in UNDER_WAY else row.ended
    return cast("StepDocument", {key: value for key, value in step.items() if value})


def _step_records(source: RunSource, pipeline: Pipeline) -> dict[str, StepDocument]:
    """The step records in the store by step; notes on ``source`` why there are none."""
    from ...records.seal.seal import read_step_records

    location = location_of_records(pipeline)
    if not location:
        source.why_not = source.why_not or "The run is not recorded: no location for records is set."
    if not location or source.silent:
        return {}
    try:
        found = in_time(lambda: read_step_records(opened(location), pipeline.record_id, pipeline.name))
    except Exception as error:
        _note(source, error)
        return {}
    return {one.step: one.as_json() for one in found}


def location_of_records(pipeline: Pipeline) -> str:
    """The location of the pipeline's records: that of the latest one, or else the configured one."""
    for address in addresses(pipeline, 1):
        return place_of(address.uri)[0]
    return settings.location_of("")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a sealed record of a pipeline."""

    run_id: str
    instance: int
    uri: str


def addresses(pipeline: Pipeline, limit: int) -> list[Address]:
    """The pipeline's latest sealed records, newest first, of all its instances."""
    sent = latest_xcoms(pipeline.dag_id, pipeline.enders, RETURNED, 2 * limit)
    found = [Address(one.run_id, one.map_index, str(as_object(one.value).get("Record") or "")) for one in sent]
    return [one for one in found if one.uri][:limit]


def before(source: RunSource, limit: int) -> list[Address]:
    """The records that were sealed before that of ``source``, newest first."""
    pipeline = cast("Pipeline", source.pipeline)
    found = [one for one in addresses(pipeline, limit) if one.instance == pipeline.instance]
    own = next((at for at, one in enumerate(found) if one.run_id == pipeline.run_id), -1)
    return found[own + 1 :]
