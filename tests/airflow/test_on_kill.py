from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from airflow_sagemaker_mlops.execution.engine import stop_current
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import StepRun, Submitted
from airflow_sagemaker_mlops.execution.submit import ordinal_after
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
    return StepRun({}, "Processing", identity, scope, made, lambda *_words: None, journal=journal)


class DeletedRun(MemoryJournal):
    """The journal in the XComs of a run that was deleted: nothing can be written any more."""

    async def write(self, entry: Entry) -> None:
        raise NOT_FOUND


RUNNING = Entry("prep-job", 0, 1, "", JobState.RUNNING)


@pytest.mark.parametrize("answer", [NOT_FOUND, ValueError("nothing that anybody thought of"), {}])
def test_a_job_is_stopped_though_its_run_was_deleted(answer: Any) -> None:
    """A user deletes the DAG or the run while the step is deferred: every look-up is answered with 404."""
    aws = Stops()
    trigger = StepTrigger(task="{}")
    trigger.task_instance = SimpleNamespace(  # type: ignore[assignment]
        dag_id="p", run_id="run", task_id="Prep", map_index=-1, try_number=1
    )
    trigger._run = processing(aws, DeletedRun(RUNNING))
    trigger._submitted = Submitted("prep-job", "", 0, "")

    async def handed(_name: str) -> bool:
        if isinstance(answer, Exception):
            raise answer
        return False

    class Refused(TriggerTaskStore):
        async def get(self, *_words: Any) -> Any:
            raise NOT_FOUND

    trigger._handed_to_another = handed  # type: ignore[method-assign]
    trigger._store = Refused(vars(trigger.task_instance))
    asyncio.run(trigger.on_kill())
    assert aws.stopped == ["prep-job"]


def test_a_job_goes_on_where_another_triggerer_has_its_step_now() -> None:
    aws = Stops()
    trigger = StepTrigger(task="{}")
    trigger._run = processing(aws, MemoryJournal(RUNNING))
    trigger._submitted = Submitted("prep-job", "", 0, "")

    async def handed(_name: str) -> bool:
        return True

    trigger._handed_to_another = handed  # type: ignore[method-assign]
    asyncio.run(trigger.on_kill())
    assert aws.stopped == []


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
