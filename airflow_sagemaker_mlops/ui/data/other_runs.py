"""The runs that a run is compared with: the previous one, the champion's, and the one that it reproduces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from .airflow_rows import note_of
from .in_time import in_time
from .pipelines import Pipeline
from .run_source import Address, RunSource, before, reader_message, sealed_at, sealed_record

if TYPE_CHECKING:
    from ...json_types import JsonObject
    from ...records.model.documents import RecordDocument

LOOKED_THROUGH = 40  # records before this one, for the run that made the champion
NOTE = 'Reproduces run "{run_id}".'
_NOTE = re.compile(re.escape(NOTE).replace(r"\{run_id\}", "(.+)"))
TOLERANCE = 1e-9


@dataclass(slots=True)
class OtherRuns:
    """Records of other runs of the pipeline; ``why_not`` is a sentence if they could not be read."""

    previous: RecordDocument | None = None
    champion: RecordDocument | None = None
    why_not: str = ""


def others_of(source: RunSource) -> OtherRuns:
    """The record before that of ``source``, and that of the run that made the champion.  Blocking, for seconds."""
    found = OtherRuns()
    earlier = before(source, LOOKED_THROUGH)
    if not earlier or source.record is None or source.silent:
        return found
    pipeline = cast("Pipeline", source.pipeline)
    try:
        in_time(lambda: _read_into(found, earlier, pipeline, champion_in(source.record)))
    except Exception as error:
        found.why_not = f"The comparison with earlier runs is missing: {reader_message(error)}"
    return found


def champion_in(record: Mapping[str, Any] | None) -> str:
    """ARN of the model that the run compared its own with; "" if there was none."""
    for step in (record or {}).get("steps") or ():
        arn = (step.get("decision") or {}).get("Champion") if isinstance(step, Mapping) else None
        if isinstance(arn, str) and arn:
            return arn
    return ""


def _read_into(found: OtherRuns, earlier: list[Address], pipeline: Pipeline, champion: str) -> None:
    for number, address in enumerate(earlier):
        if number and not champion:
            return
        record = _record_at(address, pipeline)
        if number == 0:
            found.previous = record
        if champion and record and any(model.get("arn") == champion for model in record.get("models") or ()):
            found.champion = record
            return


def _record_at(address: Address, pipeline: Pipeline) -> RecordDocument | None:
    from ...records.model.errors import BrokenRecord, ForeignRecord, NoSuchRecord, OlderSchema

    try:
        return sealed_record(address.uri, replace(pipeline, run_id=address.run_id), amended=False)[0]
    except (BrokenRecord, ForeignRecord, NoSuchRecord, OlderSchema):  # must not hide the requested run
        return None


def reproduction_of(source: RunSource) -> JsonObject | None:
    """Which run this one reproduces, and whether its results are the same; ``None`` if it reproduces none."""
    match = _NOTE.search(note_of(source.run.dag_id, source.run.run_id))
    if match is None:
        return None
    compared: JsonObject = {"run_id": match[1], "same": None, "compared": 0, "differences": []}
    if not source.is_sealed:
        return compared
    original = replace(cast("Pipeline", source.pipeline), run_id=match[1])
    try:
        return in_time(lambda: {**compared, **_verdict(original, cast("RecordDocument", source.record))})
    except Exception as error:
        return {**compared, "why": reader_message(error)}


def _verdict(original: Pipeline, again: RecordDocument) -> JsonObject:
    from ...records.model.step_record import StepRecord
    from ...records.reproduce.compare import compared, differences

    uri = sealed_at(original)
    if not uri:
        return {"why": "The run that it reproduces no longer has a record."}
    was, _ = sealed_record(uri, original, amended=False)
    old, new = ({step["step"]: StepRecord.from_json(step) for step in one["steps"]} for one in (was, again))
    found = differences(old, new, TOLERANCE)
    return {"same": not found, "compared": compared(old), "differences": [*found[:50]]}


def conf_of(record: RecordDocument, group: str) -> JsonObject:
    """``{"conf": {...}}`` for a run with the same parameters, or ``{"why": sentence}`` if there can be none."""
    from ...execution.secret_masking import MASK
    from ...records.model.errors import RecordError
    from ...records.store.reader import parameters_of_record

    try:
        values = parameters_of_record(record)
    except RecordError as error:
        return {"why": str(error)}
    masked = [name for name, value in values.items() if MASK in str(value)]
    if masked:
        return {"why": f"The record does not keep secrets, so it cannot give {', '.join(masked)} to another run."}
    return {"conf": values, "group": group, "note": NOTE.format(run_id=record["run"]["run_id"].partition("[")[0])}
