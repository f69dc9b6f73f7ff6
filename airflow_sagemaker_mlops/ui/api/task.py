"""``GET api/task``: everything that the tab of a step's task shows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from ...links import LINKS
from ...xcom_keys import REQUEST_KEY
from ..data.airflow_rows import tries_of, xcoms
from ..data.in_time import in_time
from ..data.other_runs import others_of
from ..data.pipelines import steps_of
from ..data.run_source import RETURNED, RunSource, reader_message, source_of
from ..data.stores import is_local, opened, place_of
from .guards import READS_RUNS, DagId, RunId, TaskId

if TYPE_CHECKING:
    from ...json_types import Json, JsonObject
    from ...records.model.documents import RecordDocument, StepDocument

router = APIRouter(dependencies=READS_RUNS)
NOT_A_STEP = "This task is not a step of a SageMaker pipeline."
MAX_TEXT = 200_000  # characters of a request or a result


@router.get("/task")
def task(dag_id: DagId, run_id: RunId, task_id: TaskId, map_index: int = -1) -> dict[str, Any]:
    """The view of a step; ``step`` is null for a task that is not a step of a pipeline."""
    source, name = _step_of(dag_id, run_id, task_id, map_index)
    if source is None or not name:
        return {"step": None, "why": NOT_A_STEP}
    from ...reports.run_view import run_view

    previous = others_of(source).previous
    view = run_view(source.record, previous, console=not is_local())
    shown = next((one for one in view["steps"] if one["step"] == name), None)
    sent = xcoms(dag_id, run_id, [REQUEST_KEY, RETURNED, *(link.xcom_key for link in LINKS)], task_id)
    recorded = _recorded(source.record, name)
    result = recorded.get("result") or sent.get((task_id, map_index, RETURNED))
    known = name not in source.unrecorded
    return {
        "step": shown or {"step": name, "type": recorded.get("type", "")},
        "why": source.why_not,
        "live": source.run.is_live,
        "request": _text(_request(source, recorded) or sent.get((task_id, map_index, REQUEST_KEY))),
        "result": _text(result),
        "links": {link.name: sent.get((task_id, map_index, link.xcom_key)) for link in LINKS},
        "known": known,
        "cache": {
            "why": _why_not_cached(recorded, _recorded(previous, name)) if known else [],
            **(recorded.get("cache") or {}),
        },
        "tries": [asdict(one) for one in tries_of(dag_id, run_id, task_id, map_index)],
        "previous": view["previous"],
    }


def _step_of(dag_id: str, run_id: str, task_id: str, map_index: int) -> tuple[RunSource | None, str]:
    """The source of the pipeline that has the task, and the name of its step; "" if it has none."""
    first = source_of(dag_id, run_id, read=False)
    if first is None:
        return None, ""
    for pipeline in first.pipelines:
        for row, name, _kind in steps_of(pipeline, first.rows, first.pipelines):
            if (row.task_id, row.map_index) == (task_id, map_index):
                return source_of(dag_id, run_id, pipeline.group, pipeline.instance), name
    return None, ""


def _recorded(record: RecordDocument | None, name: str) -> StepDocument | dict[str, Any]:
    return next((step for step in (record["steps"] if record else ()) if step.get("step") == name), {})


def _request(source: RunSource, step: StepDocument | dict[str, Any]) -> Json:
    """The request, from the record or from the object that the record refers to; a sentence if that cannot be read."""
    if step.get("request") or not step.get("request_uri") or not source.uri or source.record is None:
        return step.get("request")
    from ...records.store.reader import request_of

    dag_id, sha256 = source.record["run"]["dag_id"], str(step.get("request_sha256"))
    try:
        return in_time(lambda: request_of(opened(place_of(source.uri)[0]), dag_id, sha256))
    except Exception as error:
        return reader_message(error)


def _why_not_cached(now: StepDocument | dict[str, Any], was: StepDocument | dict[str, Any]) -> list[str]:
    from ...records.cache.why_not import why_not_cached
    from ...records.model.errors import RecordError
    from ...records.model.step_record import StepRecord

    if not now or now.get("status") == "Executing":
        return []
    try:
        return why_not_cached(StepRecord.from_json(was) if was else None, StepRecord.from_json(now))[:50]
    except RecordError as error:
        return [str(error)]


def _text(value: Json) -> JsonObject | None:
    """A value as indented JSON, cut off if it is too long for a page."""
    if value in (None, "", {}):
        return None
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return {"text": text[:MAX_TEXT], "left_out": max(0, len(text) - MAX_TEXT)}
