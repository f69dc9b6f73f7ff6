"""``on_kill`` in a worker and in the triggerer: which job is stopped, and what happens first."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_sagemaker_mlops.airflow_versions import TELLS_TRIGGERS_OF_KILLS
from airflow_sagemaker_mlops.execution.engine import stop_current
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import StepRun, Submitted
from airflow_sagemaker_mlops.execution.submit import ordinal_after
from airflow_sagemaker_mlops.plan.spec import StepSpec
from airflow_sagemaker_mlops.runtime.task_store.trigger import TriggerTaskStore
from airflow_sagemaker_mlops.triggers.step import StepTrigger

NOT_FOUND = AirflowRuntimeError(
    ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404, "message": "DAG run not found"})
)


def test_a_job_is_stopped_though_the_triggerer_cancels_on_kill_again_and_again() -> None:
    """As Airflow 3.3.2 does: ``to_cancel`` is sent with every sync until the trigger has ended."""

    async def triggerer() -> None:
        cancelled, ended = asyncio.Event(), asyncio.Event()

        class Slow(StepTrigger):
            async def _end_job(self) -> None:
                await cancelled.wait()
                ended.set()

        trigger = Slow(task="{}")
        call = asyncio.ensure_future(asyncio.wait_for(trigger.on_kill(), 30))
        for _ in range(3):
            await asyncio.sleep(0)
            call.cancel("user action")
        with suppress(asyncio.CancelledError):
            await call
        assert not ended.is_set()
        cancelled.set()
        await asyncio.wait_for(ended.wait(), 30)

    asyncio.run(triggerer())


class Stops:
    """AWS, as far as a stop needs it: notes which jobs were asked to stop."""

    key = "aws"
    region = "us-east-1"

    def __init__(self) -> None:
        self.stopped: list[str] = []

    def client(self, _service: str) -> Any:
        def stop(**members: str) -> dict[str, Any]:
            self.stopped += members.values()
            return {}

        return SimpleNamespace(stop_processing_job=stop)


def processing(aws: Stops, journal: Any) -> StepRun:
    """A Processing step whose job runs."""
    identity = StepIdentity("p", "Prep", "p", "run", "Prep")
    made: Any = aws
    scope = Scope("Prep", {}, {}, {}, {}, made)
    return StepRun(StepSpec(), "Processing", identity, scope, made, lambda *_words: None, journal=journal)


class DeletedRun(MemoryJournal):
    """The journal in the XComs of a run that was deleted: nothing can be written any more."""

    async def write(self, entry: Entry) -> None:
        raise NOT_FOUND


RUNNING = Entry("prep-job", 0, 1, "", JobState.RUNNING)


class DeferredStep(TriggerTaskStore):
    """The task of a trigger, with the journal of its job as its only XCom."""

    async def get(self, *_words: Any) -> Any:
        return RUNNING.as_json()


class DeletedXComs(TriggerTaskStore):
    """XComs of a run that was deleted."""

    async def get(self, *_words: Any) -> Any:
        raise NOT_FOUND


def killed(monkeypatch: pytest.MonkeyPatch, journal: Any, store: type[TriggerTaskStore], states: Any) -> list[str]:
    """The jobs that a trigger stops when Airflow ends it and answers ``states`` to the question for the task's."""

    def asked(**_which: Any) -> Any:
        if isinstance(states, Exception):
            raise states
        return states

    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", asked)
    aws, trigger = Stops(), StepTrigger(task="{}")
    ti: Any = SimpleNamespace(dag_id="p", run_id="run", task_id="Prep", map_index=-1, try_number=1)
    trigger.task_instance = ti
    trigger._store = store(vars(ti))
    trigger._run = processing(aws, journal)
    trigger._submitted = Submitted("prep-job", "", 0, "")
    asyncio.run(trigger.on_kill())
    return aws.stopped


# Before 3.3 a triggerer that shuts down looks like a kill, so only a clear answer stops the job.
UNFORESEEN = [ValueError("nothing that anybody thought of")] if TELLS_TRIGGERS_OF_KILLS else []


@pytest.mark.parametrize("states", [NOT_FOUND, {}, *UNFORESEEN])
def test_a_job_is_stopped_though_its_run_was_deleted(monkeypatch: pytest.MonkeyPatch, states: Any) -> None:
    """A user deletes the DAG or the run while the step is deferred: every look-up is answered with 404."""
    assert killed(monkeypatch, DeletedRun(RUNNING), DeletedXComs, states) == ["prep-job"]


def test_a_job_continues_where_another_triggerer_has_its_step_now(monkeypatch: pytest.MonkeyPatch) -> None:
    assert killed(monkeypatch, MemoryJournal(RUNNING), DeferredStep, {"run": {"Prep": "deferred"}}) == []


def test_a_worker_stops_its_job_before_it_tells_an_airflow_that_may_be_away() -> None:
    aws, seen = Stops(), []

    class Away(MemoryJournal):
        async def write(self, entry: Entry) -> None:
            seen.append((entry.state, list(aws.stopped)))
            raise ConnectionRefusedError

    asyncio.run(stop_current(processing(aws, Away(RUNNING))))
    assert seen == [(JobState.STOP_REQUESTED, ["prep-job"])]
    assert aws.stopped == ["prep-job"]


@pytest.mark.parametrize(
    ("entry", "status", "ordinal"),
    [
        # Airflow killed the process while it was away: the process stopped its job and could not leave a note.
        (Entry("prep-job", 0, 1, "m18", JobState.RUNNING), "Stopped", 1),
        (Entry("prep-job", 0, 1, "m18", JobState.SUBMITTING), "Stopped", 1),
        (Entry("prep-job", 0, 1, "m18", JobState.RUNNING), "Failed", 0),
        (Entry("prep-job", 0, 1, "m18", JobState.RUNNING), "InProgress", 0),
        # This attempt saw the stop and noted it before it was killed: that is how the step ended.
        (Entry("prep-job", 0, 1, "m18", JobState.FAILED), "Stopped", 0),
    ],
)
def test_a_job_that_a_killed_attempt_stopped_is_run_again(entry: Entry, status: str, ordinal: int) -> None:
    run = processing(Stops(), MemoryJournal(entry))
    run = replace(run, identity=replace(run.identity, try_number=2, generation="m18"))
    assert ordinal_after(run, entry, {"ProcessingJobStatus": status}) == (ordinal, False)
