"""Accounts with problems: a step ends with the cause in a sentence and leaves no job running."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, CredentialRetrievalError, NoCredentialsError
from builders import processing_request
from sleeping_job import sleeping_job
from waiting import PATIENCE_S

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import Aws
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.execution.watch import poller
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.runs.clients import local_aws_clients
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

pytestmark = pytest.mark.e2e


@dataclass
class Account:
    """The embedded AWS's account, but for what ``before`` does before every call of a SageMaker operation."""

    aws: LocalAws
    before: Callable[[str], None]
    is_local: bool = True
    endpoint: str = ""
    region: str = "us-east-1"
    renew: None = None

    @property
    def key(self) -> str:
        return f"account-{id(self)}"

    @property
    def session(self) -> Any:
        return self.aws.session()

    def client(self, service: str) -> Any:
        endpoint = self.endpoint or self.aws.endpoint_url
        fast = Config(retries={"total_max_attempts": 1})
        client = self.session.client(service, region_name=self.region, endpoint_url=endpoint, config=fast)
        client.meta.events.register("before-call", lambda model, **_rest: self.before(model.name))
        return client


def refused(operation: str, code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def raising(operation: str, error: Exception, after: int = 0, times: int = 1000) -> Callable[[str], None]:
    """Raise ``error`` at calls of ``operation``, ``times`` times after the first ``after`` calls."""
    seen = 0

    def before(called: str) -> None:
        nonlocal seen
        if called == operation:
            seen += 1
            if after < seen <= after + times:
                raise error

    return before


def refusing(operation: str, code: str, message: str, after: int = 0) -> Callable[[str], None]:
    """Refuse ``operation`` from the call after the first ``after`` ones on."""
    return raising(operation, refused(operation, code, message), after)


def run(aws: LocalAws, account: Aws, seconds: int, **settings: Any) -> tuple[str, str, list[str]]:
    """Error of a step whose job takes ``seconds``; its job's status; what was told."""
    arguments = processing_request(aws.role_arn, "sleep", str(seconds), image="image")
    step = {"Name": "Prepare", "Type": "Processing", "Arguments": arguments, **settings}
    told: list[str] = []
    running = PipelineRun(
        plan=make_plan(load_pipeline({"Version": "2020-12-01", "Steps": [step]})),
        pipeline="bad-accounts",
        run_id=uuid.uuid4().hex,
        aws=account,
        parameters={},
        options=ExecutionOptions(poll_interval_s=0.5),
        notify=lambda _step, line: told.append(line or ""),
    )
    asyncio.run(running.run())
    name = next((line.split()[-1] for line in told if line.startswith("CreateProcessingJob")), "")
    job = aws.client("sagemaker").describe_processing_job(ProcessingJobName=name) if name else {}
    return running.steps["Prepare"].error or "", job.get("ProcessingJobStatus", ""), told


def test_without_credentials_a_step_says_so_and_is_not_retried(aws: LocalAws) -> None:
    def before(_operation: str) -> None:
        raise NoCredentialsError

    error, _status, _told = run(aws, Account(aws, before), 1)
    assert error == ('Step "Prepare": CreateProcessingJob was refused with NoCredentials: Unable to locate credentials')


def test_a_call_that_is_denied_while_the_job_runs_ends_the_job_too(aws: LocalAws) -> None:
    before = refusing("DescribeProcessingJob", "AccessDeniedException", "you may not look", after=1)
    error, status, _told = run(aws, Account(aws, before), 600)
    assert error == 'Step "Prepare": DescribeProcessingJob was refused with AccessDeniedException: you may not look'
    assert status in ("Stopping", "Stopped")


def test_a_job_that_may_neither_be_watched_nor_stopped_is_named(aws: LocalAws) -> None:
    def before(operation: str) -> None:
        if operation in ("DescribeProcessingJob", "StopProcessingJob"):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    error, status, told = run(aws, Account(aws, before), 600)
    name = next(line.split()[-1] for line in told if line.startswith("CreateProcessingJob"))
    aws.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert "DescribeProcessingJob was refused" in error
    assert status == "InProgress"
    assert any("may be left running: it could not be stopped" in line for line in told)


def test_where_the_region_has_no_such_service_the_region_is_named_at_once(aws: LocalAws) -> None:
    nowhere = Account(aws, lambda _name: None, is_local=False, endpoint="http://127.0.0.1:9", region="xx-nowhere-1")
    error, _status, _told = run(aws, nowhere, 1)
    assert 'CreateProcessingJob was refused with NoEndpoint: no sagemaker is known in region "xx-nowhere-1"' in error


def test_a_job_that_somebody_deleted_fails_its_step(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "GONE_AFTER_S", 1.0)
    before = refusing("DescribeProcessingJob", "ValidationException", "Could not find requested job", after=1)
    error, _status, _told = run(aws, Account(aws, before), 4)
    assert error.startswith('Step "Prepare": pipelines-')
    assert error.endswith("no longer exists; somebody may have deleted it.")


def test_a_clock_that_is_ahead_by_minutes_misses_no_end(aws: LocalAws) -> None:
    """A poller asks for what changed after a time of its own clock, as long as it has seen none of the service's."""
    entry = STEP_TYPES["Processing"]
    names = [f"skewed-{uuid.uuid4().hex[:8]}-{i}" for i in range(2)]
    for name in names:
        sleeping_job(aws, name, 2)

    async def both() -> list[dict[str, Any]]:
        job_poller = poller.JobPoller(local_aws_clients(aws), entry, 0.2)
        job_poller.changed_after += timedelta(minutes=30)
        waits = (job_poller.wait(name, {"ProcessingJobName": name}, lambda _status: None) for name in names)
        return list(await asyncio.wait_for(asyncio.gather(*waits), PATIENCE_S))

    assert [answer["ProcessingJobStatus"] for answer in asyncio.run(both())] == ["Completed", "Completed"]


PASSING = [
    refused("DescribeProcessingJob", "ExpiredTokenException"),
    refused("DescribeProcessingJob", "UnrecognizedClientException"),
    refused("DescribeProcessingJob", "InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier"),
    CredentialRetrievalError(provider="assume-role", error_msg="timed out"),
    NoCredentialsError(),
]
NAMES = ["expired", "key replaced", "clock", "not fetched", "not found"]


@pytest.mark.parametrize("error", PASSING, ids=NAMES)
def test_a_job_is_waited_for_while_its_credentials_are_not_taken_for_a_moment(aws: LocalAws, error: Exception) -> None:
    before = raising("DescribeProcessingJob", error, after=1, times=2)
    ended, status, told = run(aws, Account(aws, before), 5)
    assert (ended, status) == ("", "Completed")
    assert sum("cannot be polled for now, still waiting" in line for line in told) == 1


NO_RETRIES = [{"ExceptionType": ["Step.SERVICE_FAULT"], "MaxAttempts": 0}]


@pytest.mark.parametrize("error", PASSING, ids=NAMES)
def test_a_job_that_could_not_be_looked_at_for_long_is_left_to_the_next_attempt(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(poller, "PASSES_WITHIN_S", 0.0)
    before = raising("DescribeProcessingJob", error, after=1)
    ended, status, told = run(aws, Account(aws, before), 600, RetryPolicies=NO_RETRIES)
    name = next(line.split()[-1] for line in told if line.startswith("CreateProcessingJob"))
    aws.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert str(error) in ended
    assert status == "InProgress"  # the task's own retries adopt it


def test_an_attempt_that_continues_waits_for_its_credentials_too(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an attempt has begun is not failed because the key was replaced when it was looked for again."""
    monkeypatch.setattr(poller, "PASSES_WITHIN_S", 0.0)
    error = refused("DescribeProcessingJob", "UnrecognizedClientException")
    before = raising("DescribeProcessingJob", error, after=1, times=2)
    ended, status, told = run(aws, Account(aws, before), 2)
    assert (ended, status) == ("", "Completed")
    assert any("already exists and belongs to this step" in line for line in told)


def test_a_key_that_is_not_known_fails_a_step_that_has_begun_nothing(aws: LocalAws) -> None:
    before = refusing("CreateProcessingJob", "UnrecognizedClientException", "The security token is invalid.")
    error, _status, _told = run(aws, Account(aws, before), 1)
    assert error.endswith(
        "CreateProcessingJob was refused with UnrecognizedClientException: The security token is invalid."
    )


def two_waits(aws: LocalAws, before: Callable[..., None]) -> list[Any]:
    """What two waits of one poller end with; ``before`` is given the operation and the job asked for."""
    names = [f"two-{uuid.uuid4().hex[:8]}-{i}" for i in range(2)]
    for name in names:
        sleeping_job(aws, name, 2)
    clients = Account(aws, lambda _operation: None).client("sagemaker")

    def look(model: Any, params: Any, **_rest: Any) -> None:
        before(model.name, next((i for i, name in enumerate(names) if name.encode() in params["body"]), None))

    clients.meta.events.register("before-call", look)
    account = local_aws_clients(aws)
    account._clients["sagemaker"] = clients

    async def both() -> list[Any]:
        job_poller = poller.JobPoller(account, STEP_TYPES["Processing"], 0.2)
        waits = (job_poller.wait(name, {"ProcessingJobName": name}, lambda _status: None) for name in names)
        return list(await asyncio.wait_for(asyncio.gather(*waits, return_exceptions=True), PATIENCE_S))

    return asyncio.run(both())


@pytest.mark.parametrize("denied", [0, 1])
def test_one_job_that_may_not_be_looked_at_ends_nobody_elses_wait(aws: LocalAws, denied: int) -> None:
    def before(operation: str, job: int | None) -> None:
        if operation == "DescribeProcessingJob" and job == denied:
            raise refused(operation, "AccessDeniedException")

    ends = two_waits(aws, before)
    assert "AccessDeniedException" in str(ends[denied])
    assert ends[1 - denied]["ProcessingJobStatus"] == "Completed"


def test_a_poll_that_is_interrupted_at_one_job_continues_with_the_others(aws: LocalAws) -> None:
    looked_at: set[int | None] = set()

    def before(operation: str, job: int | None) -> None:
        if operation == "ListProcessingJobs":
            raise refused(operation, "AccessDeniedException")
        looked_at.add(job)
        if job == 0 and 1 not in looked_at:
            raise ConnectionResetError

    assert [answer["ProcessingJobStatus"] for answer in two_waits(aws, before)] == ["Completed", "Completed"]


def test_who_may_not_list_jobs_looks_at_each(aws: LocalAws) -> None:
    def before(operation: str, _job: int | None) -> None:
        if operation == "ListProcessingJobs":
            raise refused(operation, "AccessDeniedException")

    assert [answer["ProcessingJobStatus"] for answer in two_waits(aws, before)] == ["Completed", "Completed"]


def test_the_clients_of_boto3_are_what_they_seem() -> None:
    """The names the package goes by are botocore's."""
    from botocore import exceptions

    from airflow_sagemaker_mlops.execution.aws.errors import (
        FOUND_LATER,
        MISSED,
        NEVER_SENT,
        NO_ANSWER,
        is_transient,
        misconfigured,
    )

    assert {*NO_ANSWER, *NEVER_SENT, *FOUND_LATER, *MISSED} <= {*vars(exceptions)}
    assert is_transient(exceptions.EndpointConnectionError(endpoint_url="x", error="y"))
    assert is_transient(exceptions.ReadTimeoutError(endpoint_url="x", error="y"))
    assert misconfigured(exceptions.NoRegionError()) == "NoRegion"
    assert misconfigured(exceptions.ParamValidationError(report="x")) == "ParamValidation"
