"""EMR Serverless: a job run of a given application, or of one of its own that is deleted afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from ..aws import as_json, call
from ..describe import properties_of
from ..failures import StepFailed
from ..identity import resource_name
from ..request import fitted, resolved_arguments
from ..step_run import StepResult, StepRun, Submitted
from ..submit import next_start
from .job import ended_well, result_of
from .started import going_on, start, token

READY = frozenset({"CREATED", "STARTED", "STOPPED"})  # an application that stopped starts again by itself
APPLICATION_WAIT_S = 900.0


async def submit(run: StepRun) -> Submitted:
    """The job run of this attempt; sent again it is the same one, by its client token."""
    ordinal = await next_start(run, lambda arn: properties_of(run.aws, run.entry, address(arn)), stop)
    job = await going_on(run, ordinal)
    if job is not None:
        return replace(job, facts={"applicationId": address(job.arn)["applicationId"]})
    arguments = await resolved_arguments(run)
    application = str(arguments.get("ApplicationId") or "")
    if not application and isinstance(arguments.get("ApplicationConfig"), dict):
        application = await _own_application(run, ordinal, arguments["ApplicationConfig"])
    if not application:
        raise StepFailed(f'Step "{run.identity.step}": Arguments have neither ApplicationId nor ApplicationConfig.')
    config = arguments.get("JobConfig") or {}
    role = arguments.get("ExecutionRoleArn") or config.get("executionRoleArn")
    request = {**config, "applicationId": application, "executionRoleArn": role, "clientToken": token(run, ordinal)}
    request.setdefault("name", resource_name(run.identity, ordinal))
    job = await start(run, ordinal, await fitted(run, request))
    return replace(job, facts={"applicationId": application})


async def follow(run: StepRun, job: Submitted) -> StepResult:
    """Wait for the job run; an application of its own is deleted when that has ended, however it did."""
    try:
        answer = await ended_well(run, job, address(job.arn))
    except StepFailed:
        await _delete_own(run, job)
        raise
    await _delete_own(run, job)
    return result_of(run, job.name, answer, started=job.since)


async def stop(run: StepRun, name: str, arn: str) -> bool:
    """Cancel the job run."""
    if not arn:
        return False
    await call(run.aws, run.entry.service, "CancelJobRun", **address(arn))
    run.tell(f"CancelJobRun: {name}")
    return True


def address(arn: str) -> dict[str, Any]:
    """``arn:...:/applications/<application>/jobruns/<job run>`` as members of a call."""
    parts = arn.rsplit("/", 3)
    return {"applicationId": parts[-3], "jobRunId": parts[-1]}


async def _own_application(run: StepRun, ordinal: int, config: dict[str, Any]) -> str:
    request = {"name": resource_name(run.identity, ordinal), **config, "clientToken": token(run, ordinal)}
    made = await call(
        run.aws, run.entry.service, "CreateApplication", **await fitted(run, request, "CreateApplication")
    )
    application = str(made["applicationId"])
    run.tell(f"CreateApplication: {application}")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + APPLICATION_WAIT_S
    while True:
        answer = as_json(await call(run.aws, run.entry.service, "GetApplication", applicationId=application))
        state = answer["application"]["state"]
        if state in READY:
            return application
        if state == "TERMINATED" or loop.time() > deadline:
            raise StepFailed(f'Step "{run.identity.step}": the application {application} is {state}, not ready to run.')
        await asyncio.sleep(2.0)


async def _delete_own(run: StepRun, job: Submitted) -> None:
    """Stop and delete an application made for one job run; what cannot be deleted costs nothing while it is stopped."""
    arguments = run.spec.get("Arguments") or {}
    if arguments.get("ApplicationId") or "ApplicationConfig" not in arguments:
        return
    application = str(job.facts.get("applicationId") or "")
    for operation in ("StopApplication", "DeleteApplication"):
        try:
            await call(run.aws, run.entry.service, operation, applicationId=application)
        except Exception as error:
            run.tell(f"{operation} of {application}: {error}")
