"""``records lineage``: writes a record to SageMaker Lineage."""

from __future__ import annotations

import json
from dataclasses import asdict

from ..integrations.sagemaker_lineage import graph_of
from ..integrations.write_sagemaker_lineage import write_lineage
from ..records.store.keys import record_key
from ..records.store.protocol import Store, address
from ..records.store.reader import read_record, run_named
from ..records.store.sealed import record_name
from ..runs.records_location import RecordsLocation
from .output.terminal import say, say_json
from .records import dag_and_run, printing_errors


def write_to_lineage(place: RecordsLocation, dag: str | None, run: str, *, dry: bool, output: str = "text") -> int:
    """Write one record to SageMaker Lineage, or print the API calls; exit code 1 if calls were refused."""

    @printing_errors
    def work(store: Store) -> int:
        dag_id, name = dag_and_run(store, dag, run)
        record = read_record(store, dag_id, run_named(store, dag_id, name))
        uri = address(store, record_key(dag_id, record_name(record["run"])))
        if dry:
            calls = graph_of(record, uri).as_json()
            if output == "json":
                say_json({"run": record["run"], "record": uri, "calls": list(calls)})
            else:
                for call in calls:
                    say(json.dumps(call, ensure_ascii=False))
            return 0
        written = write_lineage(place.client("sagemaker"), record, uri, _log)
        if output == "json":
            say_json({"run": record["run"], "record": uri, **asdict(written)})
        return 1 if written.problems else 0

    return work(place)


def _log(words: str, *values: object) -> None:
    say(words % values, err=True)
