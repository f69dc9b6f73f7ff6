"""EMR Serverless: a job run of an existing application, or of a new one that is deleted afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...aws_errors import NOT_FOUND, error_code
from ..aws.calls import as_json, call, call_with_retries
from ..backoff import Backoff, poll_until
from ..describe import properties_of
from ..exceptions import StepFailed
from ..identity import resource_name
from ..journal import Entry
from ..request import fitted, resolved_arguments
from ..step_run import StepResult, StepRun, Submitted
from ..submit import next_start
from .base import WaitingRunner
from .job import ended_well, result_of
from .started_execution import continued_execution, start, token

if TYPE_CHECKING:
    from ...json_types import AwsShape

READY = frozenset({"CREATED", "STARTED", "STOPPED"})  # a stopped application restarts automatically
IDLE = frozenset({"CREATED", "STOPPED", "TERMINATED"})  # states in which it can be deleted
APPLICATION_WAIT_S = 900.0
ENDS_WITHIN_S = 120.0
EVERY = Backoff(2.0, 2.0)


@dataclass(frozen=True, slots=True)
class JobRun:
    """The handle of a job run, which is its ARN: ``arn:...:/applications/<application>/jobruns/<job run>``."""

    application: str
    job_run: str

    @classmethod
    def of(cls, handle: str) -> JobRun:
        """What ``handle`` says."""
        parts = handle.rsplit("/", 3)
        return cls(parts[-3], parts[-1])

    @property
    def address(self) -> dict[str, str]:
        """Members of a call."""
        return {"applicationId": self.application, "jobRunId": self.job_run}


class EmrServerlessRunner(WaitingRunner):
    """Starts a job run of an application."""

    request_from = "arguments"
    is_job = True
    needs_journal = True
    ends_soon = True

    async def submit(self, run: StepRun) -> Submitted:
        """The job run of this attempt; the client token makes the call idempotent."""

        async def inspect(handle: str) -> dict[str, Any]:
            return await properties_of(run.aws, run.entry, JobRun.of(handle).address)

        ordinal = await next_start(run, inspect, self.stop)
        job = await continued_execution(run, ordinal)
        if job is not None:
            return replace(job, facts={"applicationId": JobRun.of(job.handle).application})
        arguments = await resolved_arguments(run)
        application = str(arguments.get("ApplicationId") or "")
        if not application and isinstance(arguments.get("ApplicationConfig"), dict):
            application = await _own_application(run, ordinal, arguments["ApplicationConfig"])
        if not application:
            raise StepFailed(f'Step "{run.identity.step}": Arguments have neither ApplicationId nor ApplicationConfig.')
        config = arguments.get("JobConfig") or {}
        role = arguments.get("ExecutionRoleArn") or config.get("executionRoleArn")
        request = {**config, "applicationId": application, "executionRoleArn": role}
        request.setdefault("name", resource_name(run.identity, ordinal))
        job = await start(run, ordinal, await fitted(run, request), inspect)
        return replace(job, facts={"applicationId": application})

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the job run; afterwards, delete the application if it was created for the step."""
        try:
            answer = await ended_well(run, job, JobRun.of(job.handle).address)
        except StepFailed:
            await _delete_own(run, str(job.facts.get("applicationId") or ""))
            raise
        await _delete_own(run, str(job.facts.get("applicationId") or ""))
        return result_of(run, job.name, answer, started=job.since)

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Cancel the job run, if it exists yet, and delete the application if it was created for the step."""
        if not handle:
            return await _delete_own(run, name)
        try:
            await call_with_retries(run.aws, run.entry.service, "CancelJobRun", **JobRun.of(handle).address)
        except Exception as error:
            if error_code(error) not in NOT_FOUND:  # otherwise it is gone, or has already ended
                raise
        else:
            run.log(f"CancelJobRun: {name}")
        if _has_own(run):
            await _until(run, lambda: properties_of(run.aws, run.entry, JobRun.of(handle).address), run.entry.terminal)
            await _delete_own(run, JobRun.of(handle).application)
        return True


async def _own_application(run: StepRun, ordinal: int, config: Mapping[str, object]) -> str:
    request = {"name": resource_name(run.identity, ordinal), **config, "clientToken": token(run, ordinal)}
    made = await call(
        run.aws, run.entry.service, "CreateApplication", **await fitted(run, request, "CreateApplication")
    )
    application = str(made["applicationId"])
    # Until the job run exists, the journal has the application, so that ending the step deletes it.
    await run.journal.write(Entry.of(run.identity, application, ordinal))
    run.log(f"CreateApplication: {application}")

    async def inspect() -> str:
        answer = await call(run.aws, run.entry.service, "GetApplication", applicationId=application)
        return str(answer["application"]["state"])

    state = await poll_until(inspect, (READY | {"TERMINATED"}).__contains__, EVERY, APPLICATION_WAIT_S)
    if state not in READY:
        raise StepFailed(f'Step "{run.identity.step}": the application {application} is {state}, not ready to run.')
    return application


def _has_own(run: StepRun) -> bool:
    arguments = run.spec.arguments
    return not arguments.get("ApplicationId") and "ApplicationConfig" in arguments


async def _delete_own(run: StepRun, application: str) -> bool:
    """Stop and delete an application created for one job run; if it cannot be deleted, stopped it costs nothing."""
    if not application or not _has_own(run):
        return False
    service, address_ = run.entry.service, {"applicationId": application}

    async def inspect() -> dict[str, Any]:
        return dict(as_json(await call(run.aws, service, "GetApplication", **address_))["application"])

    try:
        await call(run.aws, service, "StopApplication", **address_)
        await _until(run, inspect, IDLE)
        await call(run.aws, service, "DeleteApplication", **address_)
    except Exception as error:
        run.log(f"the application {application} could not be deleted: {error}")
    return True


async def _until(run: StepRun, inspect: Callable[[], Awaitable[dict[str, Any]]], ends: frozenset[str]) -> None:
    """Return when ``inspect`` returns one of the states ``ends``, or on a timeout."""

    def has_ended(found: AwsShape) -> bool:
        return (run.entry.status_of(found) or found.get("state")) in ends

    await poll_until(inspect, has_ended, EVERY, ENDS_WITHIN_S)
