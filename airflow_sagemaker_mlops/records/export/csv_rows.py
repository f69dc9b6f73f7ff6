"""Records as rows for a spreadsheet, one per step."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from ..model.documents import RecordDocument, RunDocument, StepDocument
from ..model.step_record import StepRecord

COLUMNS = (
    "dag_id",
    "run_id",
    "run_status",
    "user",
    "step",
    "type",
    "status",
    "started",
    "ended",
    "job",
    "billable_seconds",
    "instance_type",
    "cache",
    "metrics",
    "failure_reason",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(records: Iterable[RecordDocument]) -> str:
    """The table with a header, lines ended by CRLF as in RFC 4180.

    Text that a spreadsheet would interpret as a formula gets a leading apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for record in records:
        for step in record["steps"]:
            writer.writerow([_cell(value) for value in _row(record["run"], step)])
    return out.getvalue()


def _row(run: RunDocument, step: StepDocument) -> list[object]:
    attempts = step.get("attempts") or [{}]
    metrics = "; ".join(f"{name}={value}" for name, value in StepRecord.from_json(step).metrics.items())
    return [
        run["dag_id"],
        run["run_id"],
        run.get("status", ""),
        run.get("user", ""),
        step["step"],
        step["type"],
        step["status"],
        step.get("started", ""),
        step.get("ended", ""),
        attempts[-1].get("name", ""),
        step.get("billable_seconds", ""),
        step.get("instance_type", ""),
        step.get("cache", {}).get("result", ""),
        metrics,
        step.get("failure_reason", ""),
    ]


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
