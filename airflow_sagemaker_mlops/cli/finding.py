"""``sagemaker-mlops records find``: the runs that made or read a model, an endpoint or data in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..records.model.errors import RecordError
from ..records.store.index import READERS, read_index
from ..records.store.protocol import Store
from ..records.store.reader import dags_of, read_record
from ..records.store.sealed import record_name
from .output.terminal import say, say_json, say_table
from .records import printing_errors

if TYPE_CHECKING:
    from ..records.model.documents import RecordDocument


@printing_errors
def find_records(store: Store, what: str, dag: str | None, *, output: str) -> int:
    """Print the runs, newest first; exit code 1 if there are none."""
    found: list[dict[str, str]] = []
    for dag_id in [dag] if dag is not None else dags_of(store):
        names = [str(summary["run_id"]) for summary in read_index(store, dag_id).newest()]
        with ThreadPoolExecutor(max_workers=READERS) as readers:
            for record in readers.map(lambda name, dag_id=dag_id: _readable(store, dag_id, name), names):
                found += [] if record is None else _matches(record, what)
    found.sort(key=lambda row: row["started"], reverse=True)
    if output == "json":
        say_json(found)
    elif found:
        heads = ("DAG", "Run", "Step", "How", "What")
        rows = [[(row[key], "") for key in ("dag_id", "run_id", "step", "how", "what")] for row in found]
        say_table(heads, rows)
    else:
        say(f'no record at {store.base} names "{what}".', err=True)
    return 0 if found else 1


def _readable(store: Store, dag_id: str, name: str) -> RecordDocument | None:
    try:
        return read_record(store, dag_id, name)
    except RecordError as error:  # records verify reports what is wrong with it
        say(f"skipped: {error}", err=True)
        return None


def _matches(record: RecordDocument, what: str) -> list[dict[str, str]]:
    run = record["run"]
    about = {"dag_id": str(run["dag_id"]), "run_id": record_name(run), "started": str(run.get("started", ""))}
    pairs = ((step, how, found) for step, how, found in _things(record) if _is_same(found, what))
    return [{**about, "step": step, "how": how, "what": found} for step, how, found in dict.fromkeys(pairs)]


def _things(record: RecordDocument) -> Iterator[tuple[str, str, str]]:
    """(step, how, name) of everything that the run made or read."""
    for model in record.get("models", []):
        of = str(model.get("step", ""))
        yield of, "registered", str(model.get("arn", ""))
        if model.get("group") and model.get("version") is not None:
            yield of, "registered", f"{model['group']}/{model['version']}"
    for step in record.get("steps", []):
        name = str(step["step"])
        taken = (step.get("cache") or {}).get("result") in ("hit", "reused")
        outputs = "took over" if taken else "wrote"
        for how, artifacts in (("read", step.get("inputs", [])), (outputs, step.get("outputs", []))):
            yield from ((name, how, str(artifact.get("uri", ""))) for artifact in artifacts)
        for attempt in step.get("attempts", []):
            yield name, "made", str(attempt.get("name", ""))
            yield name, "made", str(attempt.get("arn", ""))
        request = step.get("request") or {}
        for key in ("EndpointName", "endpoint_name", "EndpointConfigName"):
            if isinstance(request, Mapping) and isinstance(request.get(key), str):
                yield name, "deployed", str(request[key])


def _is_same(found: str, what: str) -> bool:
    """Whether ``found`` in the record is ``what``; for S3 URIs, also whether one is a prefix of the other."""
    if not found:
        return False
    if found == what or found.rpartition("/")[2] == what:
        return True
    if what.startswith("s3://") and found.startswith("s3://"):
        return f"{found.rstrip('/')}/".startswith(f"{what.rstrip('/')}/") or what.startswith(f"{found.rstrip('/')}/")
    return False
