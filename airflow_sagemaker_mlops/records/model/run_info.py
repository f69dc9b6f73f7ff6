"""Which run a record is about, and who wanted it: :class:`RunInfo`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One DAG run, or what an instance of a mapped task group does in one.

    run_id      of Airflow; ``<run id>[2]`` for the third instance of a pipeline in a mapped task group
    map_index   of that instance; ``None`` where there is none
    pipeline    name of the pipeline; the DAG id, unless the user gave another
    status      Succeeded, Failed, Stopped or CompletedWithFailures
    trigger     manual, scheduled, backfill, asset, operator or cli
    user        who started it, as Airflow knows them; "" for a schedule
    versions    {"airflow", "airflow-sagemaker-mlops", "python", "boto3"}: what ran it
    logical_date   of the run, "" when it has none
    clear_number   how often it was cleared: a run that goes on after its record was sealed gets another one
    """

    dag_id: str
    run_id: str
    pipeline: str = ""
    status: str = ""
    started: str = ""
    ended: str = ""
    trigger: str = ""
    user: str = ""
    logical_date: str = ""
    clear_number: int = 0
    dag_version: str = ""
    bundle_name: str = ""
    bundle_version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    map_index: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The record's member ``run``; ``versions`` stands apart, as the builder's."""
        names = [name for name in self.__dataclass_fields__ if name != "versions"]
        always = {"dag_id", "run_id"} if self.map_index is None else {"dag_id", "run_id", "map_index"}
        return {name: getattr(self, name) for name in names if getattr(self, name) or name in always}
