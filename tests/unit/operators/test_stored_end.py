"""If Airflow retries a task whose step has ended, the step does not run again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.sdk import DAG

from airflow_sagemaker_mlops.execution.exceptions import StepFailed
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry
from airflow_sagemaker_mlops.operators import TrainingStepOperator
from airflow_sagemaker_mlops.operators.attempt import StepFailedForGood
from airflow_sagemaker_mlops.runtime.events import (
    StepEndedBadly,
    StepSucceeded,
    WorkerNeeded,
    from_payload,
    to_payload,
)
from airflow_sagemaker_mlops.runtime.task_store.journal import TaskJournal, save_why_repeated
from airflow_sagemaker_mlops.runtime.task_store.notes import TaskNotes
from airflow_sagemaker_mlops.runtime.task_store.trigger import OWNER, TriggerTaskStore
from airflow_sagemaker_mlops.runtime.task_store.worker import WorkerTaskStore
from airflow_sagemaker_mlops.triggers.step import StepTrigger
from airflow_sagemaker_mlops.xcom_keys import JOURNAL_KEY


class Store(dict[str, Any]):
    """As much of Airflow's task state store as is used."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


def attempt(store: Store, max_tries: int) -> Any:
    ti = SimpleNamespace(
        max_tries=max_tries,
        task_id="t",
        map_index=-1,
        xcom_pull=lambda **_: None,
        xcom_push=lambda **_: None,
        try_number=1,
    )
    return {"ti": ti, "dag_run": SimpleNamespace(conf={}), "task_state_store": store, "params": {}}


def operator(**options: Any) -> Any:
    with DAG("kept", schedule=None):
        return TrainingStepOperator(task_id="t", arguments={"RoleArn": "arn:r"}, start_in="worker", **options)


def test_a_failed_step_fails_again_until_a_user_clears_it() -> None:
    store, step = Store(), operator()
    left = {"Step": "t", "Status": "Failed"}
    failed = to_payload(StepEndedBadly("no data", result=left))
    with pytest.raises(StepFailedForGood, match="no data"):
        step.resume(attempt(store, 4), failed)
    again, pushed = attempt(store, 4), {}
    again["ti"].xcom_push = lambda key, value: pushed.update({key: value})
    with pytest.raises(StepFailedForGood, match="no data"):
        step._kept_result(again)
    assert pushed == {"return_value": left}  # for steps that run on the failure, and for the status task
    assert step._kept_result(attempt(store, 8)) is None


def test_a_step_whose_failures_are_to_be_retried_runs_again() -> None:
    store, step = Store(), operator(retries=2)
    with pytest.raises(Exception, match="no data"):
        step.resume(attempt(store, 2), to_payload(StepEndedBadly("no data")))
    assert step._kept_result(attempt(store, 2)) is None


def test_the_result_of_a_step_that_ended_well_is_used() -> None:
    store, step = Store(), operator()
    step.resume(attempt(store, 4), to_payload(StepSucceeded({"Step": "t"})))
    assert step._kept_result(attempt(store, 4)) == {"Step": "t"}


@pytest.mark.parametrize(("made_in", "runs_anew"), [(1, True), (2, False)])
def test_a_retry_that_airflow_resumes_with_the_event_of_the_attempt_before_starts_again(
    monkeypatch: pytest.MonkeyPatch, made_in: int, runs_anew: bool
) -> None:
    """As Airflow 3.0.6 does, which forgets to clear ``next_method`` when a task is to be retried."""
    monkeypatch.setattr("airflow_sagemaker_mlops.operators.attempt.RETRIES_RESUME", True)
    left = Entry("job", 0, made_in, "m4", JobState.INTERRUPTED).as_json()
    ti = SimpleNamespace(task_id="t", map_index=-1, try_number=2, xcom_pull=lambda **_: left, max_tries=4)
    context: Any = {"ti": ti, "params": {}, "dag_run": SimpleNamespace(conf={})}
    step = operator()
    monkeypatch.setattr(type(step), "execute", lambda self, context: "anew")
    event = {"event": to_payload(StepSucceeded({"Step": "of the event"}))}
    assert step.resume_execution("resume", event, context) == ("anew" if runs_anew else {"Step": "of the event"})


@pytest.mark.parametrize(
    ("state", "attempt_before", "max_tries", "noted"),
    [
        (JobState.FAILED, 1, 4, JobState.INTERRUPTED),  # never cleared: 4 retries after the first attempt
        (JobState.FAILED, 1, 5, JobState.FAILURE_REPORTED),  # cleared after it
        (JobState.FAILED, 3, 5, JobState.INTERRUPTED),  # cleared after the first attempt, and going on in the third
        (JobState.RUNNING, 1, 4, JobState.INTERRUPTED),
        (JobState.RUNNING, 1, 5, JobState.RUNNING),
        (JobState.SUCCEEDED, 1, 5, JobState.SUCCEEDED),
        (JobState.INTERRUPTED, 1, 4, JobState.INTERRUPTED),
        (JobState.INTERRUPTED, 1, 5, JobState.FAILURE_REPORTED),
        (JobState.STOP_REQUESTED, 1, 4, JobState.STOP_REQUESTED),
        (JobState.FAILED, 4, 4, JobState.FAILED),  # this attempt's own
    ],
)
def test_a_worker_tells_a_clear_from_a_mishap(state: Any, attempt_before: int, max_tries: int, noted: str) -> None:
    xcoms = {JOURNAL_KEY: Entry("job", 0, attempt_before, "", state).as_json()}
    ti = SimpleNamespace(
        task_id="t",
        map_index=-1,
        try_number=4,
        max_tries=max_tries,
        xcom_pull=lambda task_ids, key, map_indexes: xcoms.get(key),
        xcom_push=lambda key, value: xcoms.update({key: value}),
    )
    context: Any = {"ti": ti}
    save_why_repeated(context, retries=4)
    assert xcoms[JOURNAL_KEY]["state"] == noted


@pytest.mark.parametrize("store", [None, Store({JOURNAL_KEY: Entry("job", 2, 1, "m4", JobState.SUBMITTING).as_json()})])
def test_a_retry_policy_continues_from_what_the_trigger_of_this_attempt_left(store: Store | None) -> None:
    left = Entry("job", 2, 1, "m4", JobState.FAILED)
    ti = SimpleNamespace(
        task_id="t",
        map_index=-1,
        xcom_pull=lambda task_ids, key, map_indexes: left.as_json() if key == JOURNAL_KEY else None,
    )
    context: Any = {"ti": ti, "task_state_store": store}
    assert asyncio.run(TaskJournal(WorkerTaskStore(context)).read()) == left


@pytest.mark.parametrize("store", [None, Store()])
def test_retries_are_counted_over_the_processes_of_an_attempt(store: Store | None) -> None:
    xcoms: dict[str, Any] = {}
    ti = SimpleNamespace(
        task_id="t",
        map_index=-1,
        xcom_pull=lambda task_ids, key, map_indexes: xcoms.get(key),
        xcom_push=lambda key, value: xcoms.update({key: value}),
    )
    context: Any = {"ti": ti, "task_state_store": store}
    asyncio.run(TaskNotes(WorkerTaskStore(context)).save("sagemaker_retries", {"counts": {"0": 1}}))
    assert asyncio.run(TaskNotes(WorkerTaskStore(context)).load("sagemaker_retries")) == {"counts": {"0": 1}}


@pytest.mark.parametrize(
    ("state", "try_number", "finish_in", "asks"),
    [
        (JobState.FAILED, 2, "triggerer", True),
        (JobState.FAILURE_REPORTED, 2, "triggerer", False),
        (JobState.STOP_REQUESTED, 2, "triggerer", False),
        (JobState.RUNNING, 2, "triggerer", True),  # a user's clear, or a mishap that could not be noted
        (JobState.SUCCEEDED, 2, "triggerer", True),
        (JobState.RUNNING, 2, "worker", True),
        (JobState.INTERRUPTED, 2, "worker", True),  # the last of the mishaps that Airflow retries, and cleared since
        (JobState.FAILED, 1, "worker", False),  # moved to another triggerer
    ],
)
def test_a_step_asks_a_worker_before_it_is_run_again_in_the_triggerer(
    state: Any, try_number: int, finish_in: str, asks: bool
) -> None:
    class Store(TriggerTaskStore):
        async def get(self, *_: Any) -> Any:
            return Entry("job", 0, 1, "", state).as_json()

    class Trigger(StepTrigger):
        _store = Store(dict.fromkeys(OWNER))

        async def _context(self) -> Any:
            return {"dag_run": SimpleNamespace(conf={})}

        async def _result(self, context: Any) -> dict[str, Any]:
            raise StepFailed("went on")

    trigger: Any = Trigger("{}", finish_in=finish_in)
    trigger.task_instance = MagicMock(try_number=try_number)

    async def first() -> Any:
        return await anext(trigger.run())

    event = asyncio.run(first())
    assert isinstance(from_payload(event.payload), WorkerNeeded if asks else StepEndedBadly)
