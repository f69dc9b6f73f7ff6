"""What the tab of a DAG shows: ``GET api/trend``, ``api/replay``, ``api/definition`` and ``api/comparison``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query

from ...records.model.errors import RecordError
from ...records.store.index import Index
from ...records.store.reader import read_record
from ...reports.blocks import note
from ...reports.comparison_view import MOST_RUNS, comparison_view
from ...reports.definition_view import definition_view
from ...reports.pages import comparison_page, dag_page
from ...reports.replay_view import replay_view
from ...reports.trend_view import trend_view
from ..data.definitions import is_pipeline, steps_of_dag
from ..data.in_time import in_time
from ..data.indexes import Place, index_of, places_of
from ..data.listings import small_listings
from ..data.run_source import told
from ..data.stores import opened
from .guards import READS_RUNS, DagId

router = APIRouter(dependencies=READS_RUNS)
NOT_OURS = "This DAG is not a SageMaker pipeline."
NO_RECORDS = "No run of this DAG has been recorded yet."
Group = Annotated[str, Query(max_length=250)]
Runs = Annotated[list[str], Query(min_length=1, max_length=MOST_RUNS)]


@router.get("/trend")
def trend(dag_id: DagId, group: Group = "") -> dict[str, Any]:
    """The trend over a pipeline's recorded runs; null, with a sentence in ``why``, if there are none."""
    return _of_index(dag_id, group, lambda index: _trend(dag_id, index))


def _trend(dag_id: str, index: Index) -> dict[str, Any]:
    view = trend_view(index.summaries.values(), damaged=len(index.damaged))
    return {"blocks": dag_page(dag_id, view)}


@router.get("/replay")
def replay(dag_id: DagId, group: Group = "") -> dict[str, Any]:
    """The recorded candidates with what it takes to judge them by other margins."""
    return _of_index(dag_id, group, lambda index: {"view": replay_view(index.summaries.values())})


def _of_index(dag_id: str, group: str, view: Callable[[Index], dict[str, Any]]) -> dict[str, Any]:
    """The view of a pipeline's index, and the task groups of the DAG's other pipelines."""

    def read() -> tuple[list[Place], list[str], Place | None, Index | None]:
        places, missing = places_of([dag_id])
        place = _chosen(places, group)
        return places, missing, place, index_of(place) if place is not None else None

    try:
        places, missing, place, index = in_time(read)
    except Exception as error:
        return {"blocks": None, "groups": [], "group": "", "why": told(error)}
    if place is None or index is None or not index.summaries:
        why = " ".join(missing) or NO_RECORDS
        why = why if is_pipeline(steps_of_dag(dag_id)) else NOT_OURS
        return {"blocks": None, "groups": [], "group": "", "why": why}
    return {**view(index), "groups": [one.group for one in places], "group": place.group, "why": ""}


@router.get("/definition")
def definition(dag_id: DagId) -> dict[str, Any]:
    """The definition as a picture, also before any run; null for a DAG that is not ours."""
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
        return {"blocks": [note(told(error), "bad")]}


def _comparison(dag_id: str, runs: list[str], group: str) -> dict[str, Any]:
    places, missing = places_of([dag_id])
    place = _chosen(places, group)
    if place is None:
        return {"blocks": [note(" ".join(missing) or NO_RECORDS)]}
    store = opened(place.location)
    records: list[Any] = []
    notes: list[str] = []
    for name in dict.fromkeys(runs):
        try:
            records.append(read_record(store, place.record_id, name))
        except RecordError as error:
            notes.append(str(error))
    view = comparison_view(records, listing_of=small_listings(store, place.record_id, records))
    return {"blocks": [*(note(text, "unsure") for text in notes), *comparison_page(view)]}


def _chosen(places: list[Place], group: str) -> Place | None:
    return next((one for one in places if one.group == group), places[0] if places and not group else None)
