"""``GET api/trend``, ``api/replay``, ``api/definition``, ``api/comparison`` and its report: the tab of a DAG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from ...records.model.documents import RecordDocument
from ...records.model.errors import RecordError
from ...records.model.timestamps import moment
from ...records.store.index import Index
from ...records.store.listing import ListingOf, no_listing
from ...records.store.reader import read_record
from ...reports.blocks import dag_link, note, paragraph
from ...reports.comparison_view import MAX_RUNS, comparison_view
from ...reports.definition_view import definition_view
from ...reports.pages import comparison_page, dag_head, dag_page
from ...reports.replay_view import replay_view
from ...reports.trend_view import trend_view
from ..data.definitions import is_pipeline, steps_of_dag
from ..data.in_time import in_time
from ..data.indexes import Place, index_of, places_of
from ..data.listings import small_listings
from ..data.run_source import reader_message
from ..data.stores import opened
from .downloads import report_file
from .guards import READS_RUNS, DagId

router = APIRouter(dependencies=READS_RUNS)
NOT_OURS = "This DAG is not a SageMaker pipeline."
NO_RECORDS = "No run of this DAG has been recorded yet."
Group = Annotated[str, Query(max_length=250)]
Runs = Annotated[list[str], Query(min_length=1, max_length=MAX_RUNS)]


@router.get("/trend")
def trend(dag_id: DagId, group: Group = "", head: bool = False) -> dict[str, Any]:
    """The trend over a pipeline's recorded runs; null, with a sentence in ``why``, if there are none.

    head   only what the card on the DAG's overview shows
    """
    return _of_index(dag_id, group, _head if head else _trend)


def _trend(place: Place, index: Index) -> dict[str, Any]:
    view = trend_view(index.summaries.values(), damaged=len(index.damaged))
    return {"blocks": dag_page(place.dag_id, view, place.group)}


def _head(place: Place, index: Index) -> dict[str, Any]:
    view = trend_view(index.summaries.values())
    return {"blocks": [*dag_head(view, "h2"), paragraph(dag_link(place.dag_id, "Metrics, comparison and replay"))]}


@router.get("/replay")
def replay(dag_id: DagId, group: Group = "") -> dict[str, Any]:
    """The recorded candidates, with the data to judge them by other margins."""
    return _of_index(dag_id, group, lambda _, index: {"view": replay_view(index.summaries.values())})


def _of_index(dag_id: str, group: str, view: Callable[[Place, Index], dict[str, Any]]) -> dict[str, Any]:
    """The view of a pipeline's index, and the task groups of the DAG's other pipelines."""

    places: list[Place] = []
    place, index, missing = None, None, list[str]()
    try:
        places, missing = in_time(lambda: places_of([dag_id]))
        place = _chosen(places, group)
        index = in_time(lambda: index_of(place)) if place is not None else None
    except Exception as error:
        missing = [reader_message(error)]
    which = {"groups": [one.group for one in places], "group": place.group if place is not None else ""}
    if place is not None and index is not None and index.summaries:
        return {**view(place, index), **which, "why": ""}
    why = " ".join(missing) or NO_RECORDS
    return {"blocks": None, **which, "why": why if is_pipeline(steps_of_dag(dag_id)) else NOT_OURS}


@router.get("/definition")
def definition(dag_id: DagId) -> dict[str, Any]:
    """The definition as a picture, also before any run; null for a DAG that is not a pipeline."""
    steps = steps_of_dag(dag_id)
    if not is_pipeline(steps):
        return {"view": None, "why": NOT_OURS}
    return {"view": definition_view(steps), "why": ""}


@router.get("/comparison")
def comparison(dag_id: DagId, run: Runs, group: Group = "") -> dict[str, Any]:
    """The records called ``run`` side by side; records that cannot be read are noted."""
    try:
        return in_time(lambda: _comparison(dag_id, run, group))
    except Exception as error:
        return {"blocks": [note(reader_message(error), "bad")]}


@router.get("/comparison/report")
def comparison_report(dag_id: DagId, run: Runs, group: Group = "") -> Response:
    """A comparison of the first and the last of the runs ``run`` as one HTML file; 409 if they cannot be compared."""
    from ...reports.html import comparison_page as page
    from ...reports.run_view import run_view

    try:
        read = in_time(lambda: _read(dag_id, run, group))
    except Exception as error:
        raise HTTPException(409, reader_message(error)) from None
    records = sorted(read.records, key=lambda record: moment(record["run"].get("started")))
    if len(records) < 2:
        raise HTTPException(409, " ".join(read.missing) or "A comparison takes two runs.")
    old, new = records[0], records[-1]
    why = comparison_view([old, new], listing_of=read.listing_of)["why"][0]
    same = [f"the same: {', '.join(why['same'])}"] if why["same"] else []
    text = page(run_view(old), run_view(new, old), [*why["different"], *same])
    return report_file(text, f"{dag_id}-comparison")


@dataclass(frozen=True, slots=True)
class Compared:
    """Records to compare, what is missing, and how to read the listings of their inputs."""

    records: list[RecordDocument]
    missing: list[str]
    listing_of: ListingOf


def _comparison(dag_id: str, runs: list[str], group: str) -> dict[str, Any]:
    read = _read(dag_id, runs, group)
    notes = [note(text, "unsure") for text in read.missing]
    if not read.records:
        return {"blocks": notes or [note(NO_RECORDS)]}
    return {"blocks": [*notes, *comparison_page(comparison_view(read.records, listing_of=read.listing_of))]}


def _read(dag_id: str, runs: list[str], group: str) -> Compared:
    places, missing = places_of([dag_id])
    place = _chosen(places, group)
    if place is None:
        return Compared([], missing, no_listing)
    store = opened(place.location)
    records: list[RecordDocument] = []
    for name in dict.fromkeys(runs):
        try:
            records.append(read_record(store, place.record_id, name))
        except RecordError as error:
            missing.append(str(error))
    return Compared(records, missing, small_listings(store, place.record_id, records))


def _chosen(places: list[Place], group: str) -> Place | None:
    return next((one for one in places if one.group == group), places[0] if places and not group else None)
