"""Endpoint and InferenceComponent: created when missing, else updated, and waited for until they serve."""

from __future__ import annotations

import asyncio
from typing import Any

from ..aws import as_json, call, error_message
from ..describe import address_of, describe
from ..facts import facts_about
from ..failures import StepFailed
from ..journal import Entry
from ..request import build_request
from ..step_run import StepResult, StepRun, Submitted, now
from .job import ended_well, result_of

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
BUSY_WAIT_S = 3600.0


async def submit(run: StepRun) -> Submitted:
    """The resource, made or told to change; nothing when it is what was asked for already."""
    request = await build_request(run, 0)
    entry, identity = run.entry, run.identity
    name = str(request[entry.name_key])
    await run.journal.write(Entry(name, 0, identity.try_number, identity.generation, "intent"))
    found = await _idle(run, name)
    if found is None:
        answer = await _attempt(run, entry.create, request)
        run.tell(f"{entry.create}: {name}")
    elif _is_so_already(run, found, request):
        answer = found
        run.tell(f"{name} serves that already")
    else:
        members = {key: request[key] for key in entry.update_members if key in request}
        answer = await _attempt(run, entry.update, members)
        run.tell(f"{entry.update}: {name}")
    arn = str((answer or {}).get(entry.arn_key, ""))
    await run.journal.write(Entry(name, 0, identity.try_number, identity.generation, "submitted", arn))
    await run.publish(facts_about(run, name, arn))
    return Submitted(name, arn, 0, now())


async def follow(run: StepRun, made: Submitted) -> StepResult:
    """Wait until it serves what was asked for."""
    answer = await ended_well(run, made, address_of(run, made.name))
    return result_of(run, made.name, answer, started=made.since)


def _is_so_already(run: StepRun, found: dict[str, Any], request: dict[str, Any]) -> bool:
    """Whether an update would change nothing.  Only an endpoint says in one word what it serves."""
    serves = run.entry.status_of(found) in run.entry.succeeded
    key = "EndpointConfigName"
    return serves and run.step_type == "Endpoint" and found.get(key) == request.get(key)


async def _idle(run: StepRun, name: str) -> dict[str, Any] | None:
    """The resource once no change to it is under way; AWS refuses to update one that is changing."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BUSY_WAIT_S
    pause = 0.5
    while True:
        found = await describe(run, name)
        status = run.entry.status_of(found) if found is not None else ""
        if found is None or status not in BUSY:
            return found
        if loop.time() > deadline:
            raise StepFailed(f'Step "{run.identity.step}": {name} stayed {status} for an hour.')
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 30.0)


async def _attempt(run: StepRun, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(as_json(await call(run.aws, "sagemaker", operation, **request)))
    except Exception as error:
        if operation == run.entry.create and "already exist" in error_message(error).lower():
            return dict(await describe(run, request[run.entry.name_key]) or {})  # our own lost answer
        raise
