"""The run that a record describes, and who started it: :class:`RunInfo`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from .documents import RunDocument


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One DAG run, or one instance of a mapped task group in a DAG run.

    run_id      Airflow's run id; ``<run id>[2]`` for the third instance of a pipeline in a mapped task group
    map_index   index of that instance; ``None`` outside mapped task groups
    pipeline    name of the pipeline; the DAG id, unless the user gave another
    status      Succeeded, Failed, Stopped or CompletedWithFailures
    trigger     manual, scheduled, backfill, asset, operator or cli
    user        the Airflow user who started it; "" for a schedule
    versions    {"airflow", "airflow-sagemaker-mlops", "python", "boto3"}: versions of the software that ran it
    logical_date   of the run, "" if it has none
    clear_number   how often the run was cleared: a run that continues after sealing gets another record
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

    def as_json(self) -> RunDocument:
        """The record's member ``run``; ``versions`` is a separate member, because it describes the builder."""
        names = [name for name in self.__dataclass_fields__ if name != "versions"]
        always = {"dag_id", "run_id"} if self.map_index is None else {"dag_id", "run_id", "map_index"}
        document: dict[str, Any] = {
            name: getattr(self, name) for name in names if getattr(self, name) or name in always
        }
        return cast("RunDocument", document)
