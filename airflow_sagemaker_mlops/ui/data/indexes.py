"""The indexes of the DAGs' records, kept for a few seconds: a page of a thousand runs reads no record."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from threading import Lock

from ... import settings
from ...plan.model import STATUS_TASK_ID, TEARDOWN_TASK_ID
from ...records.store.index import Index, read_index
from ...records.store.reader import dags_of
from .airflow_rows import as_object, dag_ids, ended_with
from .run_source import RETURNED, reader_message
from .stores import opened, place_of

FRESH_S = 10.0
ANSWER_S = 3.0  # age of a listing that is still used
INDEXES_S = 8.0  # of all indexes of a page
MAX_KEPT = 200
MAX_PLACES = 200  # pipelines that a page over several DAGs reads
MAX_ENDS = 1_000  # ends of runs that are asked for their location
READERS = 6
_KEPT: dict[Place, tuple[float, Index]] = {}
_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pipeline's records are; ``record_id`` is its DAG, with its task group if it has one."""

    dag_id: str
    location: str
    record_id: str

    @property
    def group(self) -> str:
        """The pipeline's task group; "" if it has none."""
        return self.record_id.removeprefix(self.dag_id).lstrip(".")


def places_of(dags: Collection[str]) -> tuple[list[Place], list[str]]:
    """Where the records of ``dags`` are, and why a location cannot be read.

    Blocking: two queries, and one listing for each location; a location that does not answer does not hide the others.
    Records in ``daily.train`` belong to the DAG of this name if there is one, else to the group "train" of "daily".
    """
    known = dag_ids()
    found: dict[Place, None] = {}
    missing: list[str] = []
    locations = list(dict.fromkeys(_locations(dags)))
    readers = ThreadPoolExecutor(max_workers=READERS)
    listed = {location: readers.submit(lambda at: dags_of(opened(at)), location) for location in locations}
    readers.shutdown(wait=False)
    for location, future in listed.items():
        try:
            record_ids = future.result(timeout=ANSWER_S)
        except TooSlow:
            missing.append(f"The records at {location} cannot be read: no answer within {ANSWER_S:.0f} seconds.")
            continue
        except Exception as error:
            missing.append(reader_message(error))
            continue
        for record_id in record_ids:
            dag_id = owner_of(record_id, known)
            if dag_id in dags:
                found[Place(dag_id, location, record_id)] = None
    return list(found), missing


def owner_of(record_id: str, known: Collection[str]) -> str:
    """The DAG of a pipeline's records: the longest id of a DAG that ``record_id`` begins with; "" if none does."""
    dag_id = record_id
    while dag_id and dag_id not in known:
        dag_id = dag_id.rpartition(".")[0]
    return dag_id


def index_of(place: Place) -> Index:
    """The index of a pipeline's records, at most :data:`FRESH_S` old.  Blocking."""
    now = time.monotonic()
    with _LOCK:
        kept = _KEPT.get(place)
    if kept is not None and now - kept[0] < FRESH_S:
        return kept[1]
    index = read_index(opened(place.location), place.record_id)
    with _LOCK:
        _KEPT.pop(place, None)
        _KEPT[place] = now, index
        while len(_KEPT) > MAX_KEPT:
            _KEPT.pop(next(iter(_KEPT)))
    return index


def indexes_of(places: list[Place]) -> tuple[dict[Place, Index], list[str]]:
    """The indexes of several pipelines, and why others cannot be read.  Blocking."""
    readers = ThreadPoolExecutor(max_workers=READERS)
    asked = {place: readers.submit(index_of, place) for place in places[:MAX_PLACES]}
    readers.shutdown(wait=False)
    until = time.monotonic() + INDEXES_S
    found: dict[Place, Index] = {}
    missing: list[str] = []
    for place, future in asked.items():
        try:
            found[place] = future.result(timeout=max(0.0, until - time.monotonic()))
        except TooSlow:
            future.cancel()
            missing.append(f"The index of {place.record_id} cannot be read: no answer within {INDEXES_S:.0f} seconds.")
        except Exception as error:
            missing.append(f"{place.record_id}: {reader_message(error)}")
    return found, missing


def _locations(dags: Collection[str]) -> Iterator[str]:
    """The configured location, and those to which the latest runs of the DAGs wrote their records."""
    if location := settings.location_of(""):
        yield location
    for task in (STATUS_TASK_ID, TEARDOWN_TASK_ID):
        for dag_id, value in ended_with(task, RETURNED, MAX_ENDS):
            uri = as_object(value).get("Record")
            if dag_id in dags and isinstance(uri, str) and uri:
                try:
                    yield place_of(uri)[0]
                except ValueError:
                    continue
