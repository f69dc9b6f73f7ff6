"""``GET api/home``, ``api/models``, ``api/model`` and its report: pages over the DAGs that the reader may read.

Only readers of a DAG whose records name a model group see it and can query the registry about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from ...json_types import JsonObject
from ...registry.errors import RegistryError
from ...reports.blocks import note
from ...reports.home_view import home_view
from ...reports.model_view import ModelView, Registry, changes_of, groups_of, model_view
from ...reports.pages import home_card, model_page, models_page, rollback
from ..data.in_time import in_time
from ..data.indexes import MAX_PLACES, indexes_of, places_of
from ..data.registry import registry_of
from ..data.rollbacks import rollback_dags, rollbacks_of
from ..data.run_source import reader_message
from .downloads import report_file
from .guards import ReadableDags

router = APIRouter()
REGISTRY_S = 6.0
ALL_S = 12.0
UNKNOWN = "No run of a DAG that you may read has registered, judged or promoted a model of this group."
UNREAD = "No record that can be read now names a model of this group."
Summaries = Mapping[str, Iterable[object]]
GroupName = Annotated[str, Query(min_length=1, max_length=250)]


@router.get("/home")
def home(dags: ReadableDags) -> dict[str, Any]:
    """Champions, and verdicts of the last days that need a person; null, with a sentence, without records."""
    try:
        by_dag, notes = in_time(lambda: _read(dags), ALL_S)
    except Exception as error:
        return {"blocks": [note(reader_message(error), "unsure")]}
    blocks = home_card(home_view(by_dag, datetime.now(UTC), rollbacks_of(dags)))
    return {"blocks": [*blocks, *(note(text) for text in notes if blocks)]}


@router.get("/models")
def models(dags: ReadableDags) -> dict[str, Any]:
    """The groups, with the DAGs that name them and the champion that a run made last."""
    try:
        by_dag, notes = in_time(lambda: _read(dags), ALL_S)
    except Exception as error:
        return {"blocks": None, "why": reader_message(error)}
    champions = home_view(by_dag, datetime.now(UTC), rollbacks_of(dags))["champions"]
    return {"blocks": models_page(groups_of(by_dag), champions, " ".join(notes))}


@router.get("/model")
def model(dags: ReadableDags, group: GroupName) -> dict[str, Any]:
    """The page of a group, and the DAGs that can roll back its champion."""
    view, why = _view(dags, group)
    if view is None:
        return {"blocks": None, "why": why}
    ways = rollback_dags(group, dags)
    return {"blocks": model_page(view, ways), "rollback": rollback(view, ways)}


@router.get("/model/report")
def model_report(dags: ReadableDags, group: GroupName) -> Response:
    """The champions of a group as one HTML file; 404 with a sentence for a group that the reader may not see."""
    from ...reports.html import history_page

    view, why = _view(dags, group)
    if view is None:
        raise HTTPException(404, why)
    champion = view["champion"]["version"] if view["champion"] else ""
    time = datetime.now(UTC).isoformat()
    page = history_page(group, changes_of(view), champion=champion, now=time, made=time)
    return report_file(page, f"{group}-champions")


def _view(dags: set[str], group: str) -> tuple[ModelView | None, str]:
    """The view of the group; ``None``, with a sentence, for one that is unknown to the reader."""
    try:
        by_dag, notes = in_time(lambda: _read(dags), ALL_S)
    except Exception as error:
        return None, reader_message(error)
    if group not in groups_of(by_dag):
        return None, " ".join([UNREAD, *notes]) if notes else UNKNOWN
    registry, why = _registry(group, by_dag)
    view = model_view(group, by_dag, registry, why, readable=dags)
    view["notes"] = [*view["notes"], *notes]
    return view, ""


def _read(dags: set[str]) -> tuple[dict[str, list[object]], list[str]]:
    """Index entries by DAG, and what is missing."""
    places, missing = places_of(dags)
    by_dag: dict[str, list[object]] = {}
    indexes, unread = indexes_of(places)
    for place, index in indexes.items():
        by_dag.setdefault(place.dag_id, []).extend(index.summaries.values())
    left = len(places) - MAX_PLACES
    missing += unread
    missing += [f"{left} pipelines are left out: this page reads at most {MAX_PLACES}."] if left > 0 else []
    return by_dag, missing


def _registry(group: str, by_dag: Summaries) -> tuple[Registry | None, str]:
    recorded = model_view(group, by_dag, None)
    endpoints = [served["endpoint"] for served in recorded["endpoints"]]
    location = _history(group, by_dag)
    try:
        return in_time(lambda: registry_of(group, location, endpoints), REGISTRY_S), ""
    except RegistryError as error:
        return None, str(error)
    except Exception as error:
        reader_message(error)  # into the log
        return None, "The model registry cannot be reached from here; this page shows what the runs recorded."


def _history(group: str, by_dag: Summaries) -> str:
    """Where the group's last recorded promotion wrote its history."""
    found: tuple[str, str] = ("", "")
    for summaries in by_dag.values():
        for entry in summaries:
            for promoted in _promoted(entry):
                if f":model-package/{group}/" in str(promoted.get("arn")):
                    found = max(found, (str(promoted.get("at")), str(promoted.get("history") or "")))
    return found[1]


def _promoted(entry: object) -> list[JsonObject]:
    found = entry.get("promoted") if isinstance(entry, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
