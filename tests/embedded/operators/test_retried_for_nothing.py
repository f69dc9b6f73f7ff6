"""A retry by Airflow after the step has ended successfully, against the embedded AWS."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.xcom import XCom

from airflow_sagemaker_mlops.airflow_versions import TaskDeferred
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.links import LINKS
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.operators import ProcessingStepOperator
from airflow_sagemaker_mlops.xcom_keys import REQUEST_KEY


class Store(dict[str, Any]):
    """As much of Airflow's task state store as is used."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


@pytest.mark.e2e
def test_what_a_step_publishes_is_there_when_airflow_has_retried_it_for_nothing(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow deletes the XComs of a task that it retries, and the retry does not run the step again."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws.connection_json())
    monkeypatch.setattr(SessionAws, "is_local", False)  # only AWS itself has a console to link to
    xcoms: dict[str, Any] = {}
    monkeypatch.setattr(XCom, "get_one", lambda *, key, **_: xcoms.get(key))
    monkeypatch.setattr(XCom, "set", lambda key, value, **_: xcoms.update({key: value}))
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    arguments = {
        "RoleArn": aws.role_arn,
        "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    with DAG("retried", schedule=None):
        step = ProcessingStepOperator(task_id="t", arguments=arguments, start_in="worker", poll_interval_s=1)
    store, began = Store(), datetime.now(UTC)

    def context(try_number: int) -> Any:
        ti = SimpleNamespace(
            dag_id="retried",
            run_id=began.isoformat(),
            task_id="t",
            map_index=-1,
            try_number=try_number,
            max_tries=4,
            start_date=began,
            task=step,
            xcom_pull=lambda *, key, **_: xcoms.get(key),
            xcom_push=lambda key, value: xcoms.update({key: value}),
        )
        run = SimpleNamespace(conf={}, start_date=began)
        return {"ti": ti, "dag_run": run, "params": {}, "task_state_store": store}

    with pytest.raises(TaskDeferred) as deferred:
        step.execute(context(1))

    async def ended() -> Any:
        return (await anext(deferred.value.trigger.run())).payload

    result = step.resume(context(1), asyncio.run(ended()))
    keys = [*(link.xcom_key for link in LINKS), REQUEST_KEY]
    links = {key: xcoms[key] for key in keys if key in xcoms}
    assert set(links) >= {"console", "logs", "request"}
    xcoms.clear()
    assert step.execute(context(2)) == result
    assert {key: xcoms.get(key) for key in links} == links
