"""Steps run on the embedded AWS, without Airflow: exactly-once submission, failures, results."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError
from builders import processing_request

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution import callback_tokens, engine, retries
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.callback_inbox import MemoryCallbackInbox
from airflow_sagemaker_mlops.execution.exceptions import (
    JobFailed,
    NameTaken,
    StepFailed,
    StepRefused,
    UnresolvedExpression,
)
from airflow_sagemaker_mlops.execution.identity import StepIdentity, resource_name
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal, MemoryNotes
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.runners import quality_check
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.scope_values import s3_reader
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun
from airflow_sagemaker_mlops.execution.watch import poller
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.spec import StepSpec
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def clients(aws: LocalAws) -> SessionAws:
    return local_aws_clients(aws)


def processing(aws: LocalAws, code: str) -> dict[str, Any]:
    return processing_request(aws.role_arn, "python3", "-c", code)


def run_of(
    clients: SessionAws,
    step_type: str,
    arguments: Mapping[str, Any],
    *,
    run_id: str = "",
    spec: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
) -> tuple[StepRun, list[str]]:
    lines: list[str] = []
    identity = StepIdentity(
        "pipe", "Step", "dag", run_id or uuid.uuid4().hex, "Step", run_started="2026-01-01T00:00:00Z", generation="c0"
    )
    whole = {"Arguments": arguments, "Outputs": "all", **(spec or {})}
    scope = Scope("Step", {}, {"PipelineExecutionId": "x"}, results or {}, whole.get("Files") or {}, s3_reader(clients))
    run = StepRun(
        spec=StepSpec.from_json(whole),
        step_type=step_type,
        identity=identity,
        scope=scope,
        aws=clients,
        log=lambda text, *words: lines.append(text % words if words else text),
        options=ExecutionOptions(poll_interval_s=0.5),
    )
    return run, lines


def jobs_of(aws: LocalAws, run: StepRun) -> list[str]:
    found = aws.client("sagemaker").list_processing_jobs(NameContains=run.identity.execution_id, MaxResults=100)
    return [summary["ProcessingJobName"] for summary in found["ProcessingJobSummaries"]]


def again(run: StepRun, **changes: Any) -> StepRun:
    return replace(run, identity=replace(run.identity, **changes))


def test_a_job_runs_and_its_log_and_description_come_back(aws: LocalAws, clients: SessionAws) -> None:
    run, lines = run_of(clients, "Processing", processing(aws, "print('hello from the job')"))
    result = asyncio.run(engine.run_step(run)).as_json()
    assert result["Properties"]["ProcessingJobStatus"] == "Completed"
    assert result["Name"] == resource_name(run.identity, 0)
    assert any(line.endswith("hello from the job") for line in lines)


def test_a_failed_job_raises_with_the_services_reason(aws: LocalAws, clients: SessionAws) -> None:
    run, lines = run_of(clients, "Processing", processing(aws, "raise SystemExit('the data is empty')"))
    with pytest.raises(JobFailed, match="AlgorithmError") as caught:
        asyncio.run(engine.run_step(run))
    assert caught.value.status == "Failed"
    assert any("the data is empty" in line for line in lines)


def test_an_attempt_that_lost_its_memory_adopts_the_job_it_made(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "import time; time.sleep(0.5)"))
    first = asyncio.run(engine.submit(run))
    forgetful = replace(run, journal=MemoryJournal())
    second = asyncio.run(engine.submit(forgetful))
    assert (second.name, second.adopted) == (first.name, True)
    assert asyncio.run(engine.follow(forgetful, second)).properties["ProcessingJobStatus"] == "Completed"
    assert len(jobs_of(aws, run)) == 1


def test_a_process_that_takes_over_needs_nothing_of_what_the_job_was_made_of(
    aws: LocalAws, clients: SessionAws
) -> None:
    """A property file may have been deleted since; the journal names the job."""
    run, _ = run_of(clients, "Processing", processing(aws, "import time; time.sleep(1)"))
    first = asyncio.run(engine.submit(run))
    gone = {"Std:JsonGet": {"S3Uri": "s3://nowhere/gone.json", "Path": "a"}}
    later = replace(run, spec=replace(run.spec, arguments={**run.spec.arguments, "Environment": {"A": gone}}))
    second = asyncio.run(engine.submit(later))
    assert (second.name, second.adopted) == (first.name, True)
    with pytest.raises(StepFailed):
        asyncio.run(engine.submit(replace(later, journal=MemoryJournal())))
    asyncio.run(engine.follow(run, second))


def test_a_retry_continues_with_the_running_job(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "import time; time.sleep(1)"))
    first = asyncio.run(engine.submit(run))
    retry = again(replace(run, journal=MemoryJournal()), try_number=2)
    assert asyncio.run(engine.submit(retry)).name == first.name
    assert len(jobs_of(aws, run)) == 1


def test_a_retry_after_a_failed_job_makes_a_new_one(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "raise SystemExit(1)"))
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(run))
    entry = asyncio.run(run.journal.read())
    assert entry is not None
    asyncio.run(run.journal.write(entry.advance(JobState.FAILURE_REPORTED)))
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(again(run, try_number=2)))
    assert len(jobs_of(aws, run)) == 2


@pytest.mark.parametrize(
    ("state", "try_number"),
    [(JobState.FAILED, 2), (JobState.SUBMITTING, 2), (JobState.INTERRUPTED, 2), (JobState.FAILED, 1)],
)
def test_a_failure_that_could_not_be_reported_is_reported_by_the_next_process_without_a_new_job(
    aws: LocalAws, clients: SessionAws, state: Any, try_number: int
) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "raise SystemExit(1)"))
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(run))
    entry = asyncio.run(run.journal.read())
    assert entry is not None
    asyncio.run(run.journal.write(replace(entry, state=state)))
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(again(run, try_number=try_number)))
    assert len(jobs_of(aws, run)) == 1


def test_a_policy_that_grants_another_job_notes_that_before_its_pause(
    aws: LocalAws, clients: SessionAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 1, "IntervalSeconds": 1}
    run, _ = run_of(clients, "Processing", processing(aws, "raise SystemExit(1)"), spec={"RetryPolicies": [policy]})
    monkeypatch.setattr(retries, "_cause_of_reason", lambda _reason: retries.INTERNAL)
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(run))
    assert len(jobs_of(aws, run)) == 2
    entry = asyncio.run(run.journal.read())
    assert entry is not None
    assert (entry.ordinal, entry.state) == (1, JobState.FAILED)
    # The process ends in the pause: what takes over finds that another one was granted.
    asyncio.run(run.journal.write(replace(entry, ordinal=0, state=JobState.FAILURE_REPORTED)))
    assert asyncio.run(engine.submit(run)).ordinal == 1


@pytest.mark.parametrize(
    ("state", "try_number", "made"),
    [
        (JobState.INTERRUPTED, 2, 2),
        (JobState.FAILURE_REPORTED, 2, 3),
        (JobState.RUNNING, 1, 2),
        (JobState.FAILED, 1, 2),
    ],
)
def test_what_failed_in_a_loop_is_not_run_again_because_its_task_was_broken_off(
    aws: LocalAws, clients: SessionAws, state: Any, try_number: int, made: int
) -> None:
    request = {**processing(aws, "import os; os.environ['ITEM'] == 'bad' and exit(1)")}
    request["Environment"] = {"ITEM": {"Get": "ForEach.CurrentItem"}}
    body = {"Each": {"Type": "Processing", "Arguments": request}}
    items = {"IterableItems": ["good", "bad"], "MaxConcurrency": 2}
    run, _ = run_of(clients, "ForEach", items, spec={"Body": body})
    untold = again(run, generation="")
    with pytest.raises(StepFailed, match="1 of 2 steps did not succeed"):
        asyncio.run(engine.run_step(untold))
    entry = asyncio.run(run.journal.read())
    assert entry is not None
    assert entry.state == JobState.FAILED
    asyncio.run(run.journal.write(replace(entry, state=state)))
    with pytest.raises(StepFailed, match=r"1 of 2 steps did not succeed.*Each-1"):
        asyncio.run(engine.run_step(again(untold, try_number=try_number)))
    assert len(jobs_of(aws, run)) == made


def test_a_child_that_failed_unseen_is_not_run_again_when_its_loop_continues(
    aws: LocalAws, clients: SessionAws
) -> None:
    body = {"Each": {"Type": "Processing", "Arguments": processing(aws, "exit(1)")}}
    run, _ = run_of(clients, "ForEach", {"IterableItems": ["a"], "MaxConcurrency": 1}, spec={"Body": body})
    with pytest.raises(StepFailed, match="1 of 1"):
        asyncio.run(engine.run_step(run))
    broken_off = replace(
        run, journal=MemoryJournal(Entry("Step", 0, 1, "c0", JobState.INTERRUPTED)), notes=MemoryNotes()
    )
    with pytest.raises(StepFailed, match="1 of 1"):
        asyncio.run(engine.run_step(again(broken_off, try_number=2)))
    assert len(jobs_of(aws, run)) == 1


def test_the_children_of_a_loop_that_was_cancelled_are_stopped(aws: LocalAws, clients: SessionAws) -> None:
    """As Airflow ends a trigger: its work is cancelled first, and ``on_kill`` is called then."""
    body = {"Each": {"Type": "Processing", "Arguments": processing(aws, "import time; time.sleep(60)")}}
    run, _ = run_of(clients, "ForEach", {"IterableItems": ["a", "b"], "MaxConcurrency": 2}, spec={"Body": body})

    async def cancelled() -> bool:
        work = asyncio.ensure_future(engine.run_step(run))
        while len(jobs_of(aws, run)) < 2:
            await asyncio.sleep(0.1)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        return await engine.stop(run, "Step")

    assert asyncio.run(cancelled())
    for name in jobs_of(aws, run):
        status = aws.client("sagemaker").describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
        assert status in ("Stopping", "Stopped")


def test_clearing_a_finished_step_makes_exactly_one_new_job(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "pass"))
    asyncio.run(engine.run_step(run))
    cleared = again(run, try_number=2, generation="c1")
    asyncio.run(engine.run_step(cleared))
    asyncio.run(engine.submit(replace(cleared, journal=MemoryJournal())))  # and a crash right after
    assert len(jobs_of(aws, run)) == 2


def test_clearing_a_running_step_stops_its_job_before_the_next(aws: LocalAws, clients: SessionAws) -> None:
    run, lines = run_of(clients, "Processing", processing(aws, "import time; time.sleep(60)"))
    first = asyncio.run(engine.submit(run))
    quick = again(replace(run, spec=StepSpec(processing(aws, "pass"))), try_number=2, generation="c1")
    asyncio.run(engine.run_step(quick))
    stopped = aws.client("sagemaker").describe_processing_job(ProcessingJobName=first.name)
    assert stopped["ProcessingJobStatus"] == "Stopped"
    assert f"StopProcessingJob: {first.name}" in lines


def test_a_job_that_somebody_is_stopping_is_known_as_such(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "import time; time.sleep(60)"))
    assert not asyncio.run(engine.is_stopping(run, "none"))
    job = asyncio.run(engine.submit(run))
    assert not asyncio.run(engine.is_stopping(run, job.name))
    assert asyncio.run(engine.stop(run, job.name))
    assert asyncio.run(engine.is_stopping(run, job.name))


def test_a_strangers_job_of_the_same_name_is_left_alone(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "pass"))
    name = resource_name(run.identity, 0)
    aws.client("sagemaker").create_processing_job(ProcessingJobName=name, **processing(aws, "pass"))
    with pytest.raises(NameTaken, match="it was not used"):
        asyncio.run(engine.submit(run))


def test_a_run_of_a_deleted_twin_does_not_take_its_jobs(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "pass"))
    asyncio.run(engine.run_step(run))
    twin = again(replace(run, journal=MemoryJournal()), run_started="2026-02-02T00:00:00Z")
    asyncio.run(engine.run_step(twin))
    assert len(jobs_of(aws, run)) == 2


def test_an_attempt_that_went_on_after_a_clear_continues_after_a_restart_too(
    aws: LocalAws, clients: SessionAws
) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "import time; time.sleep(3)"))
    first = asyncio.run(engine.submit(run))
    broken_off = MemoryJournal(Entry(first.name, 0, 1, "c0", JobState.INTERRUPTED))
    # Airflow lets a finished run that is cleared begin anew.
    goes_on = again(replace(run, journal=broken_off), try_number=2, run_started="2026-01-01T01:00:00Z")
    for _ in range(2):
        assert asyncio.run(engine.submit(goes_on)).name == first.name
    assert jobs_of(aws, run) == [first.name]


def test_a_name_that_the_document_gives_is_taken_again_after_a_clear(aws: LocalAws, clients: SessionAws) -> None:
    name = f"config-{uuid.uuid4().hex[:8]}"
    container = {"Image": "image"}
    aws.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=aws.role_arn, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    arguments = {"EndpointConfigName": name, "ProductionVariants": [variant]}
    run, _ = run_of(clients, "EndpointConfig", arguments)
    asyncio.run(engine.run_step(run))
    for journal in (run.journal, MemoryJournal()):
        cleared = again(
            replace(run, journal=journal), try_number=2, generation="c1", run_started="2026-01-01T01:00:00Z"
        )
        assert asyncio.run(engine.run_step(cleared)).name == name


@pytest.mark.parametrize("journal", [True, False])
def test_a_clear_does_not_take_the_job_of_another_airflows_run_of_the_same_ids(
    aws: LocalAws, clients: SessionAws, journal: bool
) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "pass"))
    mine = asyncio.run(engine.run_step(run))
    there = again(replace(run, journal=MemoryJournal()), run_started="2026-02-02T00:00:00Z")
    theirs = asyncio.run(engine.run_step(there))
    mishap = again(replace(run, journal=MemoryJournal()), try_number=2)
    assert asyncio.run(engine.run_step(mishap)).name == mine.name
    kept = run.journal if journal else MemoryJournal()
    cleared = asyncio.run(engine.run_step(again(replace(run, journal=kept), try_number=2, generation="c1")))
    assert cleared.name == resource_name(run.identity, 2)
    assert len({mine.name, theirs.name, cleared.name}) == 3
    after_a_mishap = again(replace(run, journal=MemoryJournal()), try_number=3, generation="c1")
    assert asyncio.run(engine.run_step(after_a_mishap)).name == cleared.name


def test_a_killed_task_gets_a_new_job(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "pass"))
    first = asyncio.run(engine.submit(run))
    killed = MemoryJournal(Entry(first.name, 0, 1, "c0", JobState.STOP_REQUESTED))
    second = asyncio.run(engine.submit(again(replace(run, journal=killed), try_number=2)))
    assert second.name == resource_name(run.identity, 1)


def test_a_job_that_ended_well_is_not_run_again_because_its_task_was_retried(
    aws: LocalAws, clients: SessionAws
) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "pass"))
    first = asyncio.run(engine.run_step(run))
    for identity in ({"try_number": 1}, {"try_number": 2}):  # the process died before the task's end was told; a retry
        done = MemoryJournal(Entry(str(first.name), 0, 1, "c0", JobState.SUCCEEDED))
        assert asyncio.run(engine.run_step(again(replace(run, journal=done), **identity))).name == first.name
    assert len(jobs_of(aws, run)) == 1


def test_where_airflow_does_not_tell_a_clear_from_a_retry_the_journal_does(aws: LocalAws, clients: SessionAws) -> None:
    run, _ = run_of(clients, "Processing", processing(aws, "import time; time.sleep(2)"))
    untold = again(run, generation="")
    first = asyncio.run(engine.submit(untold))
    broken_off = MemoryJournal(Entry(first.name, 0, 1, "", JobState.INTERRUPTED))
    assert asyncio.run(engine.submit(again(replace(untold, journal=broken_off), try_number=2))).name == first.name
    going_on = MemoryJournal(Entry(first.name, 0, 1, "", JobState.RUNNING))
    second = asyncio.run(engine.submit(again(replace(untold, journal=going_on), try_number=2)))
    assert second.name == resource_name(run.identity, 1)


@pytest.mark.parametrize(
    ("state", "try_number", "asks_again"),
    [(JobState.FAILED, 1, False), (JobState.FAILURE_REPORTED, 2, True), (JobState.INTERRUPTED, 2, False)],
)
def test_an_answer_that_says_failed_is_reported_before_anybody_is_asked_again(
    aws: LocalAws, clients: SessionAws, state: Any, try_number: int, asks_again: bool
) -> None:
    queue = aws.client("sqs").create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    run, _ = run_of(clients, "Callback", {}, spec={"SqsQueueUrl": queue})
    inbox = MemoryCallbackInbox()
    ticket = callback_tokens.new_ticket(inbox.secret)
    inbox.answers[callback_tokens.handle(ticket)] = {"Status": "Failed", "FailureReason": "no"}
    journal = MemoryJournal(Entry(ticket, 0, 1, "c0", state, queue))
    killed = again(replace(run, journal=journal, inbox=inbox), try_number=try_number)
    assert (asyncio.run(engine.submit(killed)).name != ticket) == asks_again


class XComs(MemoryCallbackInbox):
    """As XComs are, which an answer is written over, and which would be written over it."""

    async def open(self, handle: str) -> None:
        self.answers[handle] = None


@pytest.mark.parametrize("answer", [{"Status": "Succeeded", "OutputParameters": []}, None])
def test_an_answer_that_came_before_the_question_was_noted_as_sent_is_kept(
    aws: LocalAws, clients: SessionAws, answer: dict[str, Any] | None
) -> None:
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    run, _ = run_of(clients, "Callback", {}, spec={"SqsQueueUrl": queue})
    inbox = XComs()
    ticket = callback_tokens.new_ticket(inbox.secret)
    inbox.answers[callback_tokens.handle(ticket)] = answer
    killed = replace(run, journal=MemoryJournal(Entry(ticket, 0, 1, "c0", JobState.SUBMITTING, queue)), inbox=inbox)
    asked = asyncio.run(engine.submit(killed))
    assert asked.name == ticket
    assert inbox.answers == {callback_tokens.handle(ticket): answer}
    messages = sqs.receive_message(QueueUrl=queue).get("Messages", [])
    assert len(messages) == (0 if answer else 1)  # nobody knows whether the message was sent, until it is answered
    for message in messages:
        assert json.loads(message["Body"])["token"] == callback_tokens.token_of(inbox.secret, ticket)


def test_a_token_is_in_its_message_and_nowhere_else(aws: LocalAws, clients: SessionAws) -> None:
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    run, told = run_of(clients, "Callback", {}, spec={"SqsQueueUrl": queue})
    journal, inbox = MemoryJournal(), MemoryCallbackInbox()
    sent = asyncio.run(engine.submit(replace(run, journal=journal, inbox=inbox)))
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    token = json.loads(message["Body"])["token"]
    assert re.fullmatch("[A-Za-z0-9]{10}", token)
    entry = asyncio.run(journal.read())
    kept = repr((sent, entry, inbox.answers, told))
    assert callback_tokens.handle_of(token) in kept
    assert token not in kept


def test_a_step_whose_secret_has_changed_asks_again_or_waits_on(aws: LocalAws, clients: SessionAws) -> None:
    queue = aws.client("sqs").create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    run, _ = run_of(clients, "Callback", {}, spec={"SqsQueueUrl": queue})
    ticket = callback_tokens.new_ticket(b"the old secret")
    for state, goes_on in ((JobState.SUBMITTING, False), (JobState.RUNNING, True)):
        inbox = MemoryCallbackInbox({callback_tokens.handle(ticket): None})
        journal = MemoryJournal(Entry(ticket, 0, 1, "c0", state, queue))  # type: ignore[arg-type]
        asked = asyncio.run(engine.submit(replace(run, journal=journal, inbox=inbox)))
        assert (asked.name == ticket) == goes_on
        assert (callback_tokens.handle(ticket) in inbox.answers) == goes_on


def test_several_waiting_steps_share_one_poller(aws: LocalAws, clients: SessionAws) -> None:
    runs = [run_of(clients, "Processing", processing(aws, "import time; time.sleep(1.5)"))[0] for _ in range(6)]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(engine.run_step(run) for run in runs))

    results = asyncio.run(all_of_them())
    assert {result.properties["ProcessingJobStatus"] for result in results} == {"Completed"}


def test_an_end_that_no_list_of_changes_told_is_found_all_the_same(
    aws: LocalAws, clients: SessionAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    lists = poller.JobPoller._list

    async def forgetful(self: poller.JobPoller, **members: Any) -> list[dict[str, Any]]:
        seen.append(members)
        return [] if "LastModifiedTimeAfter" in members else await lists(self, **members)

    monkeypatch.setattr(poller.JobPoller, "_list", forgetful)
    monkeypatch.setattr(poller, "LOOK_CLOSER_EVERY", 3)
    runs = [run_of(clients, "Processing", processing(aws, "import time; time.sleep(1.5)"))[0] for _ in range(3)]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(engine.run_step(run) for run in runs))

    results = asyncio.run(all_of_them())
    assert {result.properties["ProcessingJobStatus"] for result in results} == {"Completed"}
    assert {"StatusEquals": "InProgress"} in seen


def test_a_refused_request_says_what_aws_said(clients: SessionAws) -> None:
    arguments = {"ModelPackageGroupName": "not a name", "InferenceSpecification": {"Containers": []}}
    run, _ = run_of(clients, "RegisterModel", arguments)
    with pytest.raises(StepRefused, match="ValidationException"):
        asyncio.run(engine.run_step(run))


def test_registering_twice_in_one_attempt_makes_one_version(aws: LocalAws, clients: SessionAws) -> None:
    arguments = {
        "ModelPackageGroupName": f"g-{uuid.uuid4().hex[:8]}",
        "InferenceSpecification": {
            "Containers": [{"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "CustomerMetadataProperties": {"auc": 0.5},
        "ModelApprovalStatus": "Rejected",
        "ApprovalDescription": "AUC 0.61 against 0.64: worse. " * 50,
        "Tags": [{"Key": "team", "Value": "ml"}],
    }
    run, _ = run_of(clients, "RegisterModel", arguments)
    first = asyncio.run(engine.run_step(run))
    retry = asyncio.run(engine.run_step(again(run, try_number=2)))
    cleared = asyncio.run(engine.run_step(again(run, try_number=3, generation="c1")))
    assert first.arn == retry.arn
    assert str(first.arn).endswith("/1")
    assert str(cleared.arn).endswith("/2")
    own = {"sagemaker-mlops:run": run.identity.run_id, "sagemaker-mlops:pipeline": run.identity.pipeline}
    assert first.properties["CustomerMetadataProperties"] == {"auc": "0.5", **own}
    description = str(first.properties["ApprovalDescription"])
    assert description.startswith("AUC 0.61 against 0.64: worse.")
    assert description.endswith("worse. …")
    assert len(description) <= 1024


def report(aws: LocalAws, text: str | None) -> dict[str, Any]:
    """A step's result whose property file holds ``text``."""
    key = f"reports/{uuid.uuid4().hex}"
    if text is not None:
        aws.client("s3").put_object(Bucket=aws.bucket, Key=f"{key}/r.json", Body=text.encode())
    output = {"OutputName": "out", "S3Output": {"S3Uri": f"s3://{aws.bucket}/{key}"}}
    return {"Eval": {"Properties": {"ProcessingOutputConfig": {"Outputs": [output]}}}}


LEFT = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Eval.PropertyFiles.Report"}, "Path": "metrics.mse"}}
FILES = {"Files": {"Eval": {"Report": {"OutputName": "out", "FilePath": "r.json"}}}}


def compare(aws: LocalAws, clients: SessionAws, text: str | None, right: Any = 5.0) -> Any:
    condition = {"Type": "LessThan", "LeftValue": LEFT, "RightValue": right}
    run, _ = run_of(clients, "Condition", {"Conditions": [condition]}, spec=FILES, results=report(aws, text))
    return asyncio.run(engine.run_step(run))


def test_a_condition_keeps_both_sides_of_its_decision(aws: LocalAws, clients: SessionAws) -> None:
    decision = compare(aws, clients, json.dumps({"metrics": {"mse": 4.5}})).facts["Decision"]
    assert decision["Outcome"] is True
    assert decision["Terms"][0]["Left"] == 4.5
    assert decision["Sentence"] == "True: metrics.mse of Eval 4.5 < 5.0 is true"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"metrics": {"rmse": 1}}', 'there is no metrics.mse in s3://.*, where metrics holds the keys "rmse"'),
        ('{"rmse": 1}', 'there is no metrics in s3://.*, which holds the keys "rmse"'),
        ('{"metrics": 3}', "there is no metrics.mse in s3://.*, where metrics holds the value 3"),
        ('{"metrics": {"mse": null}}', 'metrics.mse is null in s3://.*, where metrics holds the keys "mse"'),
        ('{"metrics": {"mse": NaN}}', r"NaN is not a number in JSON \(line 1, column 21\)"),
        ('{"metrics": {"mse": 1}, "other": -Infinity}', "-Infinity is not a number in JSON"),
        ('{"metrics": {"mse": 1e999}}', "1e999 is out of range"),
        ('{"metrics": {"mse": 1, "mse": 9}}', 'the key "mse" appears twice in one object'),
        ('{"metrics": ' + "[" * 5000 + "]" * 5000 + "}", "is nested more than 200 deep"),
        ("mse = 3", "is not in valid JSON format"),
        (None, "there is no such object"),
    ],
    ids=[
        "metric missing",
        "metrics missing",
        "no object",
        "metric null",
        "NaN",
        "Infinity",
        "too large",
        "twice",
        "deep",
        "not JSON",
        "object gone",
    ],
)
def test_a_report_that_cannot_be_used_fails_naming_step_and_expression(
    aws: LocalAws, clients: SessionAws, text: str | None, said: str
) -> None:
    with pytest.raises(UnresolvedExpression, match=said) as caught:
        compare(aws, clients, text)
    assert 'Step "Step" at Arguments.Conditions: metrics.mse of Steps.Eval.PropertyFiles.Report' in str(caught.value)


def short_of_breath(aws: LocalAws, *errors: Exception) -> SessionAws:
    """Clients whose first reads of S3 end in ``errors``."""
    left = list(errors)

    def before(**_call: Any) -> None:
        if left:
            raise left.pop(0)

    clients = local_aws_clients(aws)
    clients.client("s3").meta.events.register("before-call.s3.GetObject", before)
    return clients


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


PASSING = [
    refusal("SlowDown", 503),
    refusal("ExpiredToken", 400),
    ReadTimeoutError(endpoint_url="https://x"),
    ConnectionResetError("reset by peer"),
]


@pytest.mark.parametrize("error", PASSING, ids=["slow down", "expired", "timeout", "reset"])
def test_a_report_that_cannot_be_read_for_a_moment_is_read_again(aws: LocalAws, error: Exception) -> None:
    assert compare(aws, short_of_breath(aws, error), '{"metrics": {"mse": 4.5}}').facts["Decision"]["Outcome"] is True


def test_an_attempt_that_continues_is_not_failed_by_a_report_that_cannot_be_read_for_a_moment(
    aws: LocalAws, clients: SessionAws
) -> None:
    arguments = {**processing(aws, "pass"), "Environment": {"MSE": LEFT}}
    results = report(aws, '{"metrics": {"mse": 4.5}}')
    run, _ = run_of(clients, "Processing", arguments, spec=FILES, results=results)
    first = asyncio.run(engine.submit(run))
    shaky = s3_reader(short_of_breath(aws, refusal("InvalidAccessKeyId", 403)))
    restarted = replace(run, scope=replace(run.scope, read_s3=shaky))
    assert asyncio.run(engine.run_step(restarted)).name == first.name
    assert len(jobs_of(aws, run)) == 1


def test_a_report_that_may_not_be_read_fails_at_once(aws: LocalAws) -> None:
    with pytest.raises(UnresolvedExpression, match=r"an error while reading s3://.*AccessDenied"):
        compare(aws, short_of_breath(aws, refusal("AccessDenied", 403)), '{"metrics": {"mse": 4.5}}')


def test_a_report_is_not_read_without_credentials(aws: LocalAws) -> None:
    with pytest.raises(StepRefused, match='"Step": a call was refused with NoCredentials: Unable to locate'):
        compare(aws, short_of_breath(aws, NoCredentialsError()), '{"metrics": {"mse": 4.5}}')


def test_the_violations_of_a_check_are_read_again_too(aws: LocalAws) -> None:
    clients = short_of_breath(aws, refusal("SlowDown", 503))
    run, _ = run_of(clients, "QualityCheck", {})
    flags = quality_check.Flags(skip=False, fail=True, register=False, previous={})
    with pytest.raises(ClientError, match="SlowDown"):
        asyncio.run(quality_check._judge(run, f"s3://{aws.bucket}/{uuid.uuid4().hex}", flags, "Quality"))
    with pytest.raises(StepFailed, match=r"wrote no readable report.*there is no such object"):
        asyncio.run(quality_check._judge(run, f"s3://{aws.bucket}/{uuid.uuid4().hex}", flags, "Quality"))


def test_a_condition_by_hand_without_conditions_fails(clients: SessionAws) -> None:
    run, _ = run_of(clients, "Condition", {"Condition": []})
    with pytest.raises(StepFailed, match='have no "Conditions"'):
        asyncio.run(engine.run_step(run))


def test_values_that_cannot_be_compared_fail_with_both(aws: LocalAws, clients: SessionAws) -> None:
    with pytest.raises(StepFailed, match=r'metrics.mse of Eval 4.5 with "five": a number and a string'):
        compare(aws, clients, '{"metrics": {"mse": 4.5}}', right="five")


def test_a_value_that_does_not_fit_its_slot_fails_naming_the_place(aws: LocalAws, clients: SessionAws) -> None:
    arguments = processing(aws, "pass")
    arguments["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = LEFT
    run, _ = run_of(clients, "Processing", arguments, spec=FILES, results=report(aws, '{"metrics": {"mse": "few"}}'))
    with pytest.raises(StepFailed, match=r'Arguments.ProcessingResources.ClusterConfig.InstanceCount: "few" is not a'):
        asyncio.run(engine.run_step(run))


def test_a_whole_pipeline_ends_as_the_service_would(clients: SessionAws, aws: LocalAws) -> None:
    failing = processing(aws, "raise SystemExit(3)")
    document = {
        "Version": "2020-12-01",
        "Steps": [
            {"Name": "Good", "Type": "Processing", "Arguments": processing(aws, "pass")},
            {"Name": "Bad", "Type": "Processing", "Arguments": failing, "DependsOn": ["Good"]},
            {"Name": "Behind", "Type": "Processing", "Arguments": failing, "DependsOn": ["Bad"]},
            {"Name": "Beside", "Type": "Processing", "Arguments": processing(aws, "pass"), "DependsOn": ["Good"]},
        ],
    }
    run = PipelineRun(
        make_plan(load_pipeline(document)), "p", uuid.uuid4().hex, clients, {}, ExecutionOptions(0.5), lambda *_: None
    )
    asyncio.run(run.run())
    assert {name: step.state for name, step in run.steps.items()} == {
        "Good": "Succeeded",
        "Bad": "Failed",
        "Behind": "NotStarted",
        "Beside": "Succeeded",
    }
    assert run.status == "Failed"
