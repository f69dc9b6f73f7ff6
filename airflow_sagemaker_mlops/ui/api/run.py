"""The routes of a run: what its tab shows, its record, and its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from ... import settings
from ..data.other_runs import conf_of, others_of, reproduction_of
from ..data.run_source import RunSource, source_of
from ..data.stores import is_local
from .downloads import record_file, report_file
from .guards import READS_RUNS, DagId, RunId

if TYPE_CHECKING:
    from ...json_types import JsonObject
    from ...records.model.prices import Prices
    from ...reports.shapes import RunView

router = APIRouter(dependencies=READS_RUNS)
NOT_OURS = "This run is not a run of a SageMaker pipeline."
GONE = "This run no longer exists."


@router.get("/run")
def run(dag_id: DagId, run_id: RunId, group: str = "", instance: int = -1) -> dict[str, Any]:
    """The view of a run; ``view`` is null, with a sentence in ``why``, if there is nothing to show."""
    from ...reports.run_tables import run_tables

    source = source_of(dag_id, run_id, group, instance)
    if source is None or source.pipeline is None or source.record is None:
        return {"view": None, "why": GONE if source is None else NOT_OURS}
    view, missing = view_of(source)
    return {"view": view, "tables": run_tables(view), "why": source.why_not, "missing": missing, **_about(source)}


@router.get("/record")
def record(dag_id: DagId, run_id: RunId, group: str = "", instance: int = -1) -> Response:
    """The sealed record, byte for byte."""
    from ...records.store.sealed import sealed_bytes

    source = _sealed(dag_id, run_id, group, instance)
    return record_file(sealed_bytes(source.record or {}), _name(source))


@router.get("/report")
def report(dag_id: DagId, run_id: RunId, group: str = "", instance: int = -1, inline: bool = False) -> Response:
    """The report of a sealed run as one HTML file."""
    from ...reports.html import run_page

    source = _sealed(dag_id, run_id, group, instance)
    return report_file(run_page(view_of(source)[0]), _name(source), inline=inline)


def view_of(source: RunSource) -> tuple[RunView, str]:
    """The view, and a sentence about other runs that could not be read."""
    from ...reports.run_view import run_view

    others = others_of(source)
    view = run_view(
        source.record,
        others.previous,
        others.champion,
        amendments=source.amendments,
        prices=_prices(),
        console=not is_local(),
        assembled=not source.is_sealed,
    )
    return view, others.why_not


def _about(source: RunSource) -> JsonObject:
    pipeline = source.pipeline
    return {
        "live": source.run.is_live,
        "sealed": source.is_sealed,
        "waiting": [*source.waiting],
        "group": pipeline.group if pipeline else "",
        "instance": pipeline.instance if pipeline else -1,
        "pipelines": [{"group": one.group, "instance": one.instance} for one in source.pipelines],
        "tasks": {
            name: {"task_id": row.task_id, "map_index": row.map_index, "try_number": row.try_number}
            for name, row in source.tasks()
        },
        "reproduces": reproduction_of(source),
        "again": conf_of(source.record, pipeline.group) if source.is_sealed and source.record and pipeline else None,
    }


def _sealed(dag_id: str, run_id: str, group: str, instance: int) -> RunSource:
    source = source_of(dag_id, run_id, group, instance)
    if source is None or source.pipeline is None:
        raise HTTPException(404, GONE if source is None else NOT_OURS)
    if not source.is_sealed:
        raise HTTPException(409, source.why_not or "The run has not ended, so its record is not complete yet.")
    return source


def _prices() -> Prices | None:
    """The user's prices, if the API server can read the file; without them, the page only lacks the cost of steps."""
    from ...records.model.prices import read_prices

    file = settings.prices()
    try:
        return read_prices(Path(file)) if file else None
    except (ValueError, OSError):
        return None


def _name(source: RunSource) -> str:
    return f"{source.pipeline.record_id}-{source.pipeline.name}" if source.pipeline else "run"
