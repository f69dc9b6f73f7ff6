"""A task that Airflow retries though its step has ended does not run the step again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_sagemaker_mlops.operators import TrainingStepOperator
from airflow_sagemaker_mlops.operators.base import StepFailedForGood


class Store(dict[str, Any]):
    """As much of Airflow's task state store as is used."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


def attempt(store: Store, max_tries: int) -> Any:
    ti = SimpleNamespace(
        max_tries=max_tries, task_id="t", xcom_pull=lambda **_: None, xcom_push=lambda **_: None, try_number=1
    )
    return {"ti": ti, "dag_run": SimpleNamespace(conf={}), "task_state_store": store, "params": {}}


def operator(**options: Any) -> Any:
    with DAG("kept", schedule=None):
        return TrainingStepOperator(task_id="t", arguments={"RoleArn": "arn:r"}, start_in="worker", **options)


def test_a_failed_step_fails_again_until_a_user_clears_it() -> None:
    store, step = Store(), operator()
    failed = {"status": "failed", "error": "no data", "cause": "", "result": {}}
    with pytest.raises(StepFailedForGood, match="no data"):
        step.resume(attempt(store, 4), failed)
    with pytest.raises(StepFailedForGood, match="no data"):
        step._kept_result(attempt(store, 4))
    assert step._kept_result(attempt(store, 8)) is None


def test_a_step_whose_failures_are_to_be_retried_runs_again() -> None:
    store, step = Store(), operator(retries=2)
    with pytest.raises(Exception, match="no data"):
        step.resume(attempt(store, 2), {"status": "failed", "error": "no data", "cause": "", "result": {}})
    assert step._kept_result(attempt(store, 2)) is None


def test_the_result_of_a_step_that_ended_well_is_used() -> None:
    store, step = Store(), operator()
    step.resume(attempt(store, 4), {"status": "success", "result": {"Step": "t"}})
    assert step._kept_result(attempt(store, 4)) == {"Step": "t"}
