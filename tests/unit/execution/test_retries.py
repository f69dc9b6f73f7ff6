"""Retry policies by cause, against the rules of docs/language/retries.md."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from airflow_sagemaker_mlops.execution import engine, retries
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.exceptions import JobFailed, StepFailed, StepRefused, Unanswered
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal, MemoryNotes
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import StepResult, StepRun, Submitted, now
from airflow_sagemaker_mlops.plan.spec import StepSpec


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "CreateTrainingJob")


def failed(reason: str) -> JobFailed:
    return JobFailed("Train", "job", "Failed", reason)


CASES = [
    (refused("ThrottlingException"), "Step.THROTTLING"),
    (refused("InternalFailure", 500), "Step.SERVICE_FAULT"),
    (EndpointConnectionError(endpoint_url="https://x"), "Step.SERVICE_FAULT"),
    (StepRefused("Train", "CreateTrainingJob", "ResourceLimitExceeded", "no"), "SageMaker.RESOURCE_LIMIT"),
    (StepRefused("Train", "CreateTrainingJob", "ValidationException", "no"), ""),
    (failed("CapacityError: Unable to provision requested ML compute capacity"), "SageMaker.CAPACITY_ERROR"),
    (failed("InternalServerError: We encountered an internal error"), "SageMaker.JOB_INTERNAL_ERROR"),
    (failed("ResourceLimitExceeded: the account limit is 0"), "SageMaker.RESOURCE_LIMIT"),
    (failed("AlgorithmError: CapacityError in the user's code"), ""),
    (failed("ClientError: no data"), ""),
    (StepFailed("a wrong value"), ""),
    (refused("ExpiredTokenException"), "Step.SERVICE_FAULT"),
    (Unanswered("Notify", "f", ReadTimeoutError(endpoint_url="https://x")), "Step.SERVICE_FAULT"),
]


@pytest.mark.parametrize(("error", "cause"), CASES, ids=lambda value: str(value)[:40])
def test_what_an_error_is_in_the_language(error: Exception, cause: str) -> None:
    assert retries.cause_of(error) == cause


class Script:
    """Attempts that end as told, and the pauses between them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ends: list[Exception | None], **spec: Any) -> None:
        self.ends: Iterator[Exception | None] = iter(ends)
        self.pauses: list[float] = []
        self.spec = StepSpec.from_json(spec)
        self.notes = MemoryNotes()
        self.journal = MemoryJournal()
        self.attempt = StepIdentity("p", "Train", "d", "r", "Train")
        self.clock = 0.0
        self.lines: list[str] = []

        async def submit(_run: StepRun) -> Submitted:
            return Submitted("job", "arn", 0, now())

        async def follow(run: StepRun, _job: Submitted) -> StepResult:
            end = next(self.ends)
            if end is not None:
                raise end
            return StepResult("Train", run.step_type, "job", "arn", {}, now(), now())

        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            self.clock += seconds

        monkeypatch.setattr(engine, "submit", submit)
        monkeypatch.setattr(engine, "follow", follow)
        monkeypatch.setattr(engine.asyncio, "sleep", sleep)
        monkeypatch.setattr(retries.time, "time", lambda: 1000.0 + self.clock)

    def run(self, step_type: str = "Training") -> StepResult:
        run = StepRun(
            self.spec,
            step_type,
            self.attempt,
            Scope("Train", {}, {}, {}, {}, lambda _uri: b""),
            SessionAws(None, "us-east-1"),
            log=lambda text, *_values: self.lines.append(text),
            notes=self.notes,
            journal=self.journal,
        )
        return asyncio.run(engine.run_step(run))


CAPACITY = failed("CapacityError: none")
INTERNAL = failed("InternalServerError: oops")


def policy(*causes: str, **more: Any) -> dict[str, Any]:
    return {"ExceptionType": list(causes), **more}


def test_the_pause_grows_by_the_back_off_rate_and_retries_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    given = policy("SageMaker.CAPACITY_ERROR", IntervalSeconds=30, BackoffRate=2.0, MaxAttempts=3)
    script = Script(monkeypatch, [CAPACITY, CAPACITY, CAPACITY, None], RetryPolicies=[given])
    assert script.run().facts["Retries"] == 3
    assert script.pauses == [30, 60, 120]
    assert "SageMaker.CAPACITY_ERROR: retry 1 of 3 in 30 s" in script.lines[0]


def test_after_the_last_attempt_the_step_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    given = policy("SageMaker.CAPACITY_ERROR", IntervalSeconds=1, MaxAttempts=2)
    script = Script(monkeypatch, [CAPACITY] * 3, RetryPolicies=[given])
    with pytest.raises(JobFailed):
        script.run()
    assert len(script.pauses) == 2


def test_expire_after_counts_from_the_first_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    given = policy("SageMaker.JOB_INTERNAL_ERROR", IntervalSeconds=40, BackoffRate=1, ExpireAfterMin=2)
    script = Script(monkeypatch, [INTERNAL] * 9, RetryPolicies=[given])
    with pytest.raises(JobFailed):
        script.run()
    assert script.pauses == [40, 40, 40]


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({}, CAPACITY),  # not retried by default
        ({}, failed("AlgorithmError: x")),
        ({"RetryPolicies": [policy("SageMaker.CAPACITY_ERROR", MaxAttempts=5)]}, INTERNAL),
        ({"RetryPolicies": [policy("SageMaker.CAPACITY_ERROR", MaxAttempts=0)]}, CAPACITY),
        ({"RetryPolicies": [policy("Step.THROTTLING", MaxAttempts=0)]}, refused("ThrottlingException")),
    ],
)
def test_what_no_policy_allows_is_not_retried(monkeypatch: pytest.MonkeyPatch, spec: Any, error: Exception) -> None:
    script = Script(monkeypatch, [error], **spec)
    with pytest.raises(type(error)):
        script.run()
    assert script.pauses == []


def test_throttling_and_faults_are_retried_by_default_from_one_second_on(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, [refused("ThrottlingException"), refused("InternalFailure", 500), None])
    assert script.run().facts["Retries"] == 2
    assert script.pauses == [1, 2]


def test_the_first_policy_that_names_the_cause_governs(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [policy("SageMaker.CAPACITY_ERROR", IntervalSeconds=7, MaxAttempts=1), policy("SageMaker.CAPACITY_ERROR")]
    script = Script(monkeypatch, [CAPACITY, CAPACITY], RetryPolicies=both)
    with pytest.raises(JobFailed):
        script.run()
    assert script.pauses == [7]


def test_policies_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [policy("SageMaker.CAPACITY_ERROR", MaxAttempts=1), policy("SageMaker.JOB_INTERNAL_ERROR", MaxAttempts=1)]
    script = Script(monkeypatch, [CAPACITY, INTERNAL, None], RetryPolicies=both)
    assert script.run().facts["Retries"] == 2


def test_a_restart_counts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given = policy("SageMaker.CAPACITY_ERROR", MaxAttempts=2)
    script = Script(monkeypatch, [CAPACITY, CAPACITY, CAPACITY], RetryPolicies=[given])
    script.notes.values[retries.NOTE] = {"try": 1, "counts": {"0": 1}, "started": 990.0}
    with pytest.raises(JobFailed):
        script.run()
    assert len(script.pauses) == 1


@pytest.mark.parametrize(
    ("noted", "failed_now", "retries_left"),
    [
        ({"ordinal": 0}, Entry("job", 0, 2, "", JobState.FAILED), 1),  # killed before the next job was made
        ({"ordinal": 0}, Entry("job", 1, 2, "", JobState.FAILED), 1),  # killed while the next job ran
        ({"ordinal": 0}, Entry("job", 2, 2, "", JobState.FAILED), 2),  # that one ended too, and a user wanted another
        ({"ordinal": 0, "generation": "m18"}, Entry("job", 1, 2, "", JobState.FAILED), 2),  # cleared by a user
        ({"ordinal": None}, Entry("job", 0, 2, "", JobState.FAILED), 2),
        ({"ordinal": 0}, None, 2),
    ],
)
def test_a_killed_process_gives_a_step_no_more_retries_than_its_policy_has(
    monkeypatch: pytest.MonkeyPatch, noted: dict[str, Any], failed_now: Entry | None, retries_left: int
) -> None:
    given = policy("SageMaker.CAPACITY_ERROR", MaxAttempts=2)
    script = Script(monkeypatch, [CAPACITY, CAPACITY, CAPACITY], RetryPolicies=[given])
    script.attempt = replace(script.attempt, try_number=2)
    script.journal.entry = failed_now
    script.notes.values[retries.NOTE] = {"try": 1, "generation": "", "counts": {"0": 1}, "started": 990.0, **noted}
    with pytest.raises(JobFailed):
        script.run()
    assert len(script.pauses) == retries_left


def test_a_refusal_that_used_up_its_policy_leaves_the_next_attempt_all_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = StepRefused("Train", "CreateTrainingJob", "ResourceLimitExceeded", "the limit is 0")
    given = policy("SageMaker.RESOURCE_LIMIT", MaxAttempts=1)
    script = Script(monkeypatch, [limit] * 4, RetryPolicies=[given])
    script.journal.entry = Entry("job", 0, 1, "", JobState.SUBMITTING)
    for attempt in (1, 2):
        script.attempt = replace(script.attempt, try_number=attempt)
        with pytest.raises(StepRefused):
            script.run()
        assert len(script.pauses) == attempt


def test_tuning_retries_internal_errors_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, [INTERNAL], RetryPolicies=[policy("SageMaker.JOB_INTERNAL_ERROR")])
    with pytest.raises(JobFailed):
        script.run("Tuning")


def test_a_loop_is_not_retried_for_its_children_which_were(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, [refused("ThrottlingException")])
    with pytest.raises(ClientError):
        script.run("ForEach")
    assert script.pauses == []


class Function:
    """A Lambda client whose invocations end as told."""

    def __init__(self, ends: list[Exception | None]) -> None:
        self.ends = ends
        self.invoked = 0

    def invoke(self, **_members: Any) -> dict[str, Any]:
        self.invoked += 1
        end = self.ends.pop(0)
        if end is not None:
            raise end
        return {"Payload": io.BytesIO(b"{}")}


def invoke(
    monkeypatch: pytest.MonkeyPatch, ends: list[Exception | None], before: Entry | None = None, **spec: Any
) -> Function:
    """The function after a step that calls it; raises what the step ends with.  ``before``: what its journal says."""
    function = Function(ends)
    script = Script(monkeypatch, [], FunctionArn="arn:aws:lambda:us-east-1:1:function:f", **spec)
    if before is not None:
        script.journal.entry = before
        script.attempt = replace(script.attempt, try_number=2, generation="m3")
    monkeypatch.setattr(SessionAws, "client", lambda _self, _service: function)
    script.run("Lambda")
    return function


URL = "https://lambda"
NO_ANSWERS = [
    ReadTimeoutError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
    ConnectionResetError("reset"),
]


@pytest.mark.parametrize("error", NO_ANSWERS, ids=["timeout", "closed", "reset"])
def test_a_function_that_may_have_run_is_not_invoked_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with pytest.raises(Unanswered, match=r'"Train": arn:.*:f gave no response \(.*\). It may have run, so it is not'):
        invoke(monkeypatch, [error])


@pytest.mark.parametrize("error", NO_ANSWERS, ids=["timeout", "closed", "reset"])
def test_a_function_that_may_have_run_is_invoked_again_where_the_document_says_so(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    given = [policy("SageMaker.CAPACITY_ERROR"), policy("Step.SERVICE_FAULT", MaxAttempts=1)]
    assert invoke(monkeypatch, [error, None], RetryPolicies=given).invoked == 2


def killed(generation: str) -> Entry:
    """What a process that was killed while it invoked the function leaves."""
    return Entry("arn", 0, 1, generation, JobState.SUBMITTING)


def test_a_function_whose_process_was_killed_is_not_invoked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unanswered, match="the process that invoked it was killed"):
        invoke(monkeypatch, [None], killed("m3"))


def test_nor_is_it_unless_the_document_says_so_or_a_user_clears_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [policy("Step.SERVICE_FAULT", MaxAttempts=1)]
    assert invoke(monkeypatch, [None], killed("m3"), RetryPolicies=given).invoked == 1
    assert invoke(monkeypatch, [None], killed("m1")).invoked == 1


REFUSED_OR_NOT_REACHED = [
    refused("TooManyRequestsException", 429),
    refused("ServiceException", 500),
    EndpointConnectionError(endpoint_url=URL),
    ConnectTimeoutError(endpoint_url=URL),
]


@pytest.mark.parametrize("error", REFUSED_OR_NOT_REACHED, ids=["throttled", "5xx", "not reached", "not connected"])
def test_a_function_that_refused_or_was_not_reached_is_invoked_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    assert invoke(monkeypatch, [error, None]).invoked == 2
