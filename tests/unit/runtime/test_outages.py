"""Retries outlast an outage; other errors do not use them up."""

from __future__ import annotations

import asyncio
import pickle
import socket
import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import CommsDecoder, ErrorResponse
from airflow_names import DagSerialization

from airflow_sagemaker_mlops import approved_models_dag, champion_rollback_dag
from airflow_sagemaker_mlops.airflow_versions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)
from airflow_sagemaker_mlops.execution.stop_leftovers import OwnerUnknown
from airflow_sagemaker_mlops.operators import StopRunningJobsOperator, TrainingStepOperator
from airflow_sagemaker_mlops.runtime import supervisor_calls
from airflow_sagemaker_mlops.runtime.infrastructure_retries import MAX_ERRORS, OUTAGE_S
from airflow_sagemaker_mlops.runtime.retry_budget import Interrupted, errors_counted, is_outage
from airflow_sagemaker_mlops.runtime.stopping.jobs import _in_a_journal

ROLE = "arn:aws:iam::123456789012:role/R"


def refused(status: int | None) -> AirflowRuntimeError:
    detail = {"status_code": status, "message": "All connection attempts failed"}
    return AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))


def step(**given: Any) -> Any:
    with DAG("outage", schedule=None, default_args=given.pop("default_args", {})):
        return TrainingStepOperator(task_id="train", arguments={"RoleArn": ROLE}, **given)


def delays(task: Any, attempts_before: int = 0) -> list[float]:
    """Seconds that Airflow's scheduler waits before each retry of the serialized task, cleared after some attempts."""
    dag = DagSerialization.from_dict(DagSerialization.to_dict(task.dag))
    ended = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for attempt in range(attempts_before + 1, attempts_before + task.retries + 1):
        instance: Any = SimpleNamespace(
            task=dag.get_task(task.task_id),
            try_number=attempt,
            end_date=ended,
            retry_delay_override=None,
            dag_id="outage",
            task_id=task.task_id,
            logical_date=None,
        )
        found.append((TaskInstance.next_retry_datetime(instance) - ended).total_seconds())
    return found


@pytest.mark.parametrize("given", [{}, {"retry_delay": timedelta(seconds=1)}, {"retry_delay": 300.0}])
def test_the_retries_of_a_step_last_longer_than_an_outage_of_a_quarter_of_an_hour(given: dict[str, Any]) -> None:
    assert sum(delays(step(**given))) > 900


def test_one_killed_worker_costs_no_more_than_twenty_seconds_and_the_end_of_an_outage_is_seen_soon() -> None:
    waits = delays(step())
    assert 10 <= waits[0] <= 20
    assert OUTAGE_S <= sum(waits) <= 2.5 * OUTAGE_S
    after_outage = next(wait for number, wait in enumerate(waits) if sum(waits[: number + 1]) > 900)
    assert after_outage <= 300


@pytest.mark.parametrize("dag", [approved_models_dag("sweeps", "models"), champion_rollback_dag("back", "models")])
def test_a_sweep_and_a_rollback_survive_a_killed_worker_within_seconds_and_give_up_within_minutes(dag: DAG) -> None:
    [task] = dag.tasks
    waits = delays(task)
    assert 10 <= waits[0] <= 20
    assert 120 <= sum(waits) <= 900


def test_a_step_that_is_cleared_after_it_used_up_its_retries_is_retried_within_minutes() -> None:
    task = step()
    assert max(delays(task, attempts_before=task.retries + 1)) <= 600


def test_stopping_jobs_lasts_as_long_whatever_the_steps_retries_are() -> None:
    with DAG("outage", schedule=None, default_args={"retries": 0}) as dag:
        TrainingStepOperator(task_id="train", arguments={"RoleArn": ROLE}) >> StopRunningJobsOperator(task_id="stop")
    assert sum(delays(dag.get_task("stop"))) > 900


def test_retry_arguments_of_the_user_keep_their_meaning() -> None:
    hour = timedelta(hours=1)
    own = step(retries=2, retry_delay=hour)
    assert (own.retries, own.retry_delay, bool(own.retry_exponential_backoff)) == (2, hour, False)
    assert delays(own) == [3600, 3600]
    assert delays(step(default_args={"retries": 1, "retry_delay": hour})) == [3600]
    patient = step(retry_delay=hour)
    assert set(delays(patient)) == {3600}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused(None), True),
        (refused(503), True),
        (refused(404), False),
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (ExceptionGroup("several", [ValueError(), refused(500)]), True),
        (Interrupted("the trigger could not reach Airflow"), True),
        (KeyError("x"), False),
        (AirflowException("no region"), False),
    ],
)
def test_an_outage_is_reported_from_an_answer(error: Exception, *, expected: bool) -> None:
    assert is_outage(error) is expected


def raised(module: str, code: str, **names: Any) -> Exception:
    """What ``code`` raises in ``module``."""
    try:
        exec(code, {"__name__": module, **names})
    except Exception as error:
        return error
    raise AssertionError(code)


def test_a_supervisor_that_hung_up_is_an_outage_whoever_asked() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    channel: Any = CommsDecoder(socket=ours)
    assert is_outage(raised("company.macros", "channel._read_frame()", channel=channel))
    ours.close()


@pytest.mark.parametrize(
    ("module", "code", "expected"),
    [
        ("airflow.jobs.triggerer_job_runner", "reader.readexactly(4).send(None)", True),
        ("airflow.sdk.execution_time.secrets", "sqlite3.connect('/nowhere/x')", True),
        ("airflow.providers.sqlite.hooks.sqlite", "sqlite3.connect('/nowhere/x')", False),
        ("company.macros", "sqlite3.connect('/nowhere/x')", False),
        ("company.macros", "pickle.loads(b'')", False),
        ("company.macros", "reader.readexactly(4).send(None)", False),
    ],
)
def test_an_error_named_like_an_outage_is_one_only_where_airflow_raises_it(
    module: str, code: str, *, expected: bool
) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    reader = asyncio.StreamReader(loop=loop)
    reader.feed_eof()
    assert is_outage(raised(module, code, reader=reader, pickle=pickle, sqlite3=sqlite3)) is expected


class Store(dict[str, Any]):
    """Airflow's task state store, as far as it is used."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


def attempt(
    task: Any, store: Store | None, error: Exception, max_tries: int = 18, try_number: int = 1
) -> BaseException:
    """What a task ends with whose code raises ``error``; Airflow before 3.3 has no store."""
    context: Any = {"ti": SimpleNamespace(try_number=try_number, max_tries=max_tries), "task_state_store": store}
    try:
        with errors_counted(task, context):
            raise error
    except Exception as raised:
        return raised
    raise AssertionError


def test_code_that_keeps_failing_fails_after_five_attempts_while_outages_are_not_counted() -> None:
    task, store = step(), Store()
    for _ in range(2 * MAX_ERRORS):
        assert not isinstance(attempt(task, store, refused(None)), AirflowFailException)
    for _ in range(MAX_ERRORS - 1):
        assert not isinstance(attempt(task, store, KeyError("x")), AirflowFailException)
    assert not isinstance(attempt(task, store, AirflowSkipException()), AirflowFailException)
    assert isinstance(attempt(task, store, KeyError("x")), AirflowFailException)


def test_a_clear_begins_the_count_anew_and_retries_of_the_user_are_not_cut_short() -> None:
    task, store = step(), Store()
    for _ in range(MAX_ERRORS - 1):
        attempt(task, store, KeyError("x"))
    assert not isinstance(attempt(task, store, KeyError("x"), max_tries=23), AirflowFailException)
    for _ in range(2 * MAX_ERRORS):
        assert isinstance(attempt(step(retries=30), store, KeyError("x"), max_tries=30), KeyError)


@pytest.mark.parametrize(
    ("max_tries", "first"), [(18, 1), (25, 8), (4, 1)], ids=["new", "cleared", "before an upgrade"]
)
def test_without_a_store_attempts_are_counted_since_the_last_clear(max_tries: int, first: int) -> None:
    ends = [attempt(step(), None, KeyError("x"), max_tries, first + number) for number in range(MAX_ERRORS)]
    assert [isinstance(end, AirflowFailException) for end in ends] == [False] * (MAX_ERRORS - 1) + [True]


def test_a_question_of_a_trigger_waits_until_airflow_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_calls, "FIRST_PAUSE_S", 0.001)
    answers: list[Any] = [refused(None), refused(500), "deferred"]

    def question() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert asyncio.run(supervisor_calls.ask(question)) == "deferred"
    answers[:] = [refused(404)]
    with pytest.raises(AirflowRuntimeError):
        asyncio.run(supervisor_calls.ask(question))


@pytest.mark.parametrize(("error", "raised"), [(refused(None), OwnerUnknown), (KeyError("x"), KeyError)])
def test_stopping_jobs_is_tried_again_where_an_outage_keeps_a_journal_from_being_read(
    error: Exception, raised: Any
) -> None:
    """A task that ended there would leave a job running that may be the run's own."""

    async def read_journal(_task_id: str) -> None:
        raise error

    with pytest.raises(raised) as caught:
        asyncio.run(_in_a_journal(["train"], read_journal, "job"))
    assert is_outage(caught.value) is (raised is OwnerUnknown)
