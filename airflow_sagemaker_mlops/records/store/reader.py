"""Reading records: one by name, the newest of a DAG, and the list of DAGs."""

from __future__ import annotations

import re
from typing import Any

from ...definition.problems import did_you_mean
from ...json_types import Json
from ..model.canonical_json import read_exact
from ..model.documents import RecordDocument
from ..model.errors import BrokenRecord, NoSuchRecord
from ..model.step_record import StepRecord
from .index import read_index
from .keys import content_key, name_of, record_key
from .protocol import Store, address
from .sealed import belongs_to, parse_record, record_name
from .stored_json import read_stored

_INSTANCE = re.compile(r"(.*?)(\[\d+\])?", re.DOTALL)
LATEST = re.compile(r"latest(\[\d+\])?(?:~(\d+))?")


def read_record(store: Store, dag_id: str, run_id: str) -> RecordDocument:
    """The record of a run, checked.  Raises a :class:`RecordError` that says what is wrong with it."""
    key = record_key(dag_id, run_id)
    found = store.read(key)
    if found is None:
        raise NoSuchRecord(_missing(store, dag_id, run_id))
    where = address(store, key)
    document = parse_record(found.data, where)
    belongs_to(document, dag_id, run_id, where)
    return document


def run_named(store: Store, dag_id: str, name: str) -> str:
    """The run id for ``name``: a run id, its unique beginning, "latest", or "latest~1" for the run before that.

    "latest[2]" is the latest run of the third instance of a pipeline in a mapped task group.
    """
    match = LATEST.fullmatch(name)
    if match is None:
        if store.read(record_key(dag_id, name)) is not None:
            return name
        known = read_index(store, dag_id).summaries
        beginning, instance = _INSTANCE.fullmatch(name).groups()  # type: ignore[union-attr]  # matches any text
        own = (run_id for run_id in known if run_id.partition("#")[0].endswith(instance or ""))
        near = [run_id for run_id in own if run_id.startswith(beginning)]
        if len(near) == 1 and name not in known:
            return near[0]
        raise NoSuchRecord(_missing(store, dag_id, name))
    instance, back = match[1] or "", int(match[2] or 0)
    newest = [str(summary["run_id"]) for summary in read_index(store, dag_id).newest()]
    found = [run_id for run_id in newest if run_id.partition("#")[0].endswith(instance)]
    if len(found) <= back:
        raise NoSuchRecord(f'DAG "{dag_id}" has {len(found)} records at {store.base}, so there is no "{name}".')
    return found[back]


def of_instance(name: str, index: int) -> str:
    """``name`` of a DAG run as the name of one instance's run: ``run#1`` becomes ``run[2]#1``."""
    mark = "~" if LATEST.fullmatch(name) else "#"
    run, sign, number = name.partition(mark)
    return name if run.endswith("]") else f"{run}[{index}]{sign}{number}"


def dags_of(store: Store) -> list[str]:
    """The DAGs with any object at this location."""
    return [name_of(folder) for folder in store.folders()]


def steps_of(store: Store, document: RecordDocument) -> dict[str, StepRecord]:
    """The steps of a record by name, including requests that are stored separately.

    Raises :class:`BrokenRecord` for a damaged request.
    """
    steps = {}
    for item in document["steps"]:
        step_record = {**item}
        if "request_uri" in item and "request" not in item:
            step_record["request"] = request_of(store, document["run"]["dag_id"], item["request_sha256"])
        steps[item["step"]] = StepRecord.from_json(step_record)
    return steps


def parameters_of_record(document: RecordDocument) -> dict[str, Json]:
    """The parameter values of a recorded run, by name, with their original numbers.  Raises :class:`BrokenRecord`."""
    items = document.get("externalParameters", {})
    try:
        return {name: read_exact(item, "value") for name, item in items.items()}
    except ValueError as error:
        raise BrokenRecord(f'the parameters of run "{record_name(document["run"])}" cannot be read: {error}.') from None


def request_of(store: Store, dag_id: str, sha256: str) -> dict[str, Any] | None:
    """A request that is stored separately; ``None`` if it was deleted."""
    key = content_key(dag_id, "requests", sha256)
    found = store.read(key)
    if found is None:
        return None
    try:
        return dict(read_stored(found.data))
    except (ValueError, TypeError):
        raise BrokenRecord(f"the request {address(store, key)} is cut off or was altered.") from None


def _missing(store: Store, dag_id: str, run_id: str) -> str:
    known = read_index(store, dag_id).summaries
    if known:
        return f'there is no record of run "{run_id}" of DAG "{dag_id}". {did_you_mean(run_id, known)}'.strip()
    dags = dags_of(store)
    if dag_id in dags:
        return f'DAG "{dag_id}" has no records at {store.base}.'
    return f'there are no records of DAG "{dag_id}" at {store.base}. {did_you_mean(dag_id, dags)}'.strip()
