"""Who may read what: Airflow's own permissions.

A route about one DAG has ``dependencies=READS_RUNS`` and the query parameter ``dag_id``, from which Airflow's
dependency takes the DAG.  A route over several DAGs takes the parameter ``dags: ReadableDags`` and shows nothing of
others; like Airflow's own lists, it refuses users who may read none.
"""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, HTTPException, Query

# A record repeats what these three show, so reading it requires permission for all of them.
SHOWN = (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM)
DAG_GUARDS = tuple(requires_access_dag("GET", entity) for entity in SHOWN)
READS_RUNS: list[Any] = [Depends(guard) for guard in DAG_GUARDS]

DagId = Annotated[str, Query(min_length=1, max_length=250)]
RunId = Annotated[str, Query(min_length=1, max_length=250)]
TaskId = Annotated[str, Query(min_length=1, max_length=250)]


def readable_dags(user: GetUserDep) -> set[str]:
    """The DAGs whose runs, task instances and XComs ``user`` may read.  401 without a user, 403 without any right."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails

    manager = get_auth_manager()
    if not all(manager.is_authorized_dag(method="GET", access_entity=entity, user=user) for entity in SHOWN):
        raise HTTPException(403, "Forbidden")
    may_read = manager.get_authorized_dag_ids(user=user, method="GET")
    return {
        dag
        for dag in may_read
        if all(
            manager.is_authorized_dag(method="GET", access_entity=entity, details=DagDetails(id=dag), user=user)
            for entity in SHOWN
        )
    }


LIST_GUARDS = (readable_dags,)
ReadableDags = Annotated[set[str], Depends(readable_dags)]
