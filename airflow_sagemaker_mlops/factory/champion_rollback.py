"""A DAG with one task that rolls back the champion: started by hand, with a form for the reason."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet


def champion_rollback_dag(
    dag_id: str,
    model_package_group: str,
    *,
    endpoint: str = "",
    history: str = "",
    aws_conn_id: str | ArgNotSet | None = NOTSET,
    region_name: str | None = None,
    **dag_arguments: Any,
) -> DAG:
    """A DAG that makes the champion before the present one the champion again, whenever somebody starts it.

    ``champion_rollback_dag("late-flights-rollback", "late-flights", endpoint="late-flights")``.  The form asks for the
    reason, and for the version that is to be rolled back.

    :param dag_id: id of the DAG
    :param model_package_group: name or ARN of the group
    :param endpoint: endpoint to update to the newest configuration that serves the earlier version; none if empty
    :param history: ``HistoryS3Uri`` of the pipeline; default: what the champion's metadata names
    :param aws_conn_id: connection; ``None`` for boto3's credential chain; default: ``[sagemaker_mlops] aws_conn_id``
    :param region_name: region; default: the connection's
    :param dag_arguments: Airflow's own arguments of the DAG, such as ``tags``
    """
    from ..operators.model_registry import ChampionRollbackOperator
    from ..runtime.infrastructure_retries import a_few_retries

    params = {
        "reason": Param("", type="string", minLength=1, title="Reason", description="Goes into registry and history."),
        "version": Param(
            None,
            type=["null", "integer"],
            title="Version",
            description="Refuse unless this version is the champion; empty for any.",
        ),
    }
    own: dict[str, Any] = {
        "schedule": None,
        "catchup": False,
        "max_active_runs": 1,
        "description": f"Rolls back the champion of {model_package_group}",
        "params": params,
    }
    with DAG(dag_id, **{**own, **dag_arguments}) as dag:
        ChampionRollbackOperator(
            task_id="rollback",
            model_package_group=model_package_group,
            reason="{{ params.reason }}",
            of="{{ params.version or '' }}",
            endpoint=endpoint,
            history=history,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            **a_few_retries(),
        )
    return dag
