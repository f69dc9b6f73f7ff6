"""A DAG that turns approvals from Studio or the API into events of the model asset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet

from .. import settings
from ..assets import model_asset


def approved_models_dag(
    dag_id: str,
    model_package_group: str,
    *,
    every: timedelta = timedelta(minutes=15),
    queue_url: str = "",
    aws_conn_id: str | ArgNotSet | None = NOTSET,
    region_name: str | None = None,
    **dag_arguments: Any,
) -> DAG:
    """A DAG that sends an event of ``model_asset(model_package_group)`` for every version that somebody approves.

    ``approved_models_dag("late-flights-approvals", "late-flights")`` asks the registry every 15 minutes.  With
    ``queue_url``, it also asks when EventBridge has put an event into the SQS queue: docs/bridges.md has the rule.

    :param dag_id: id of the DAG
    :param model_package_group: name or ARN of the group, which need not exist yet
    :param every: time between two sweeps; with a queue, the longest time
    :param queue_url: SQS queue that receives "SageMaker Model Package State Change" events; none if empty
    :param aws_conn_id: connection; ``None`` for boto3's credential chain; default: ``[sagemaker_mlops] aws_conn_id``
    :param region_name: region; default: the connection's
    :param dag_arguments: Airflow's own arguments of the DAG, such as ``tags``
    """
    from ..operators.model_registry import ApprovedModelsOperator
    from ..runtime.infrastructure_retries import a_few_retries

    if every <= timedelta():
        raise ValueError(f"every={every!r}: write a time above 0, such as timedelta(minutes=15).")
    connection, region = settings.connection(aws_conn_id), region_name or settings.region_name()
    own: dict[str, Any] = {
        "schedule": [_watched(model_package_group, queue_url, every, connection, region)] if queue_url else every,
        "start_date": datetime(2026, 1, 1, tzinfo=UTC),
        "catchup": False,
        "max_active_runs": 1,  # two sweeps at a time would send events twice
        "description": f"Sends an event for each approved version of {model_package_group}",
    }
    with DAG(dag_id, **{**own, **dag_arguments}) as dag:
        how: Any = {"aws_conn_id": aws_conn_id, "region_name": region_name, **a_few_retries()}
        ApprovedModelsOperator(task_id="sweep", model_package_group=model_package_group, **how)
    return dag


def _watched(group: str, queue_url: str, every: timedelta, connection: str | None, region: str | None) -> Asset:
    from airflow.sdk import AssetWatcher

    from ..triggers.registry_events import ModelPackageEvents

    changes = model_asset(group).name.replace("/approved", "/changes")
    trigger = ModelPackageEvents(queue_url, every.total_seconds(), connection, region)
    watcher = AssetWatcher(name=f"{changes}/queue", trigger=trigger)
    return Asset(name=changes, uri=f"sagemaker://model-package-group/{changes}", watchers=[watcher])
