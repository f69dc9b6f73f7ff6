"""The DAGs that roll back the champion of a group, found by their operator in the serialized DAGs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypedDict

from ...json_types import JsonObject
from ...registry.champion import short_name
from .airflow_rows import as_object, dags_mentioning, ended_with, serialized_dag

OPERATOR = "ChampionRollbackOperator"
MAX_DAGS, MAX_RUNS = 20, 200
TASK = "rollback"  # of a DAG that champion_rollback_dag has made


class RollbackDag(TypedDict):
    """A DAG whose run rolls back the champion; ``endpoint`` is the endpoint that it updates, "" for none."""

    dag_id: str
    endpoint: str


def rollback_dags(group: str, among: Collection[str]) -> list[RollbackDag]:
    """Those of the DAGs ``among`` that roll back the champion of ``group``."""
    found: list[RollbackDag] = []
    for dag_id in dags_mentioning(OPERATOR, sorted(among))[:MAX_DAGS]:
        tasks = serialized_dag(dag_id).get("tasks")
        for item in tasks if isinstance(tasks, list) else ():
            task = as_object(as_object(item).get("__var")) or as_object(item)
            name = task.get("model_package_group")
            if task.get("task_type") == OPERATOR and isinstance(name, str) and short_name(name) == group:
                endpoint = task.get("endpoint")
                found.append({"dag_id": dag_id, "endpoint": endpoint if isinstance(endpoint, str) else ""})
    return found


def rollbacks_of(dags: Collection[str]) -> Iterator[JsonObject]:
    """The entries of histories that runs of these DAGs have written, newest first."""
    for dag_id, value in ended_with(TASK, "return_value", MAX_RUNS):
        entry = as_object(value)
        if dag_id in dags and entry.get("kind") == "rollback":
            yield entry
