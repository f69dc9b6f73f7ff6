"""Endpoint: created when missing, else updated, and waited for until it serves."""

from __future__ import annotations

import asyncio
from typing import Any

from ..aws import as_json, call, error_message
from ..facts import facts_about
from ..failures import JobFailed, StepFailed
from ..journal import Entry
from ..request import build_request
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import describe
from ..watch import JobDisappeared, sweep_for
from .job import result_of

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
BUSY_WAIT_S = 3600.0


async def submit(run: StepRun) -> Submitted:
    """The endpoint, made or told to take the new configuration; nothing when it has that already."""
    request = await build_request(run, 0)
    name, config = str(request["EndpointName"]), str(request["EndpointConfigName"])
    identity = run.identity
    await run.journal.write(Entry(name, 0, identity.try_number, identity.generation, "intent"))
    found = await _idle(run, name)
    if found is None:
        answer = await _attempt(run, "CreateEndpoint", request)
        run.tell(f"CreateEndpoint: {name}")
    elif found.get("EndpointConfigName") == config and found.get("EndpointStatus") == "InService":
        answer = found
        run.tell(f"{name} serves {config} already")
    else:
        answer = await _attempt(run, "UpdateEndpoint", {"EndpointName": name, "EndpointConfigName": config})
        run.tell(f"UpdateEndpoint: {name} -> {config}")
    arn = str((answer or {}).get("EndpointArn", ""))
    await run.journal.write(Entry(name, 0, identity.try_number, identity.generation, "submitted", arn))
    await run.publish(facts_about(run, name, arn))
    return Submitted(name, arn, 0, now())


async def follow(run: StepRun, endpoint: Submitted) -> StepResult:
    """Wait until the endpoint serves the configuration."""
    sweep = sweep_for(run.aws, run.entry, run.options.poll_interval_s)
    try:
        answer = await sweep.wait(endpoint.name, lambda status: run.tell(f"{endpoint.name}: {status}"))
    except JobDisappeared as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}; somebody may have deleted it.') from None
    status = str(answer["EndpointStatus"])
    if status in run.entry.failed:
        raise JobFailed(run.identity.step, endpoint.name, status, str(answer.get("FailureReason") or ""))
    return result_of(run, endpoint.name, answer, started=endpoint.since)


async def _idle(run: StepRun, name: str) -> dict[str, Any] | None:
    """The endpoint once no change to it is under way; AWS refuses to update one that is changing."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BUSY_WAIT_S
    pause = 0.5
    while True:
        found = await describe(run, name)
        if found is None or found.get("EndpointStatus") not in BUSY:
            return found
        if loop.time() > deadline:
            raise StepFailed(f'Step "{run.identity.step}": {name} stayed {found["EndpointStatus"]} for an hour.')
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 30.0)


async def _attempt(run: StepRun, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(as_json(await call(run.aws, "sagemaker", operation, **request)))
    except Exception as error:
        if operation == "CreateEndpoint" and "already exist" in error_message(error).lower():
            return dict(await describe(run, request["EndpointName"]) or {})  # our own lost answer
        raise
