"""``records lineage``: a record into SageMaker Lineage."""

from __future__ import annotations

import json
from typing import Any

from ..bridges.lineage_graph import graph_of
from ..bridges.lineage_writer import write_lineage
from ..record.integrity import record_name
from ..record.layout import record_key
from ..record.reader import read_record, run_named
from ..record.store import Store, address
from .records import Place, dag_and_run, told
from .terminal import say


def write_to_lineage(place: Place, dag: str | None, run: str, *, dry: bool) -> int:
    """Write one record into SageMaker Lineage, or print the calls that it takes; exit code 1 when some were refused."""

    @told
    def work(store: Store) -> int:
        dag_id, name = dag_and_run(store, dag, run)
        record = read_record(store, dag_id, run_named(store, dag_id, name))
        uri = address(store, record_key(dag_id, record_name(record["run"])))
        if dry:
            for call in graph_of(record, uri).as_json():
                say(json.dumps(call, ensure_ascii=False))
            return 0
        return 1 if write_lineage(place.client("sagemaker"), record, uri, _tell).problems else 0

    return work(place)


def _tell(words: str, *values: Any) -> None:
    say(words % values, err=True)
