"""Exactly-once creation of a named resource (jobs, models, endpoint configs).

The name is the idempotency key and AWS is the ledger.  A name is derived from run, task and ordinal; the ordinal moves
on only when the resource before it ended badly, or when a user asked for a new one by clearing the task.  So a lost
answer, a killed process or a second attempt finds "already exists" and adopts what is there, after looking at its tags.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .aws import IN_USE, NOT_FOUND, as_json, call, error_code, error_message
from .failures import NameTaken, StepFailed
from .identity import tag_value
from .journal import Entry
from .request import build_request, name_of
from .step_run import StepRun, Submitted, now

MOST_ORDINALS = 500
STOP_WAIT_S = 180.0


async def submit(run: StepRun) -> Submitted:
    """The resource of this attempt: created now, or adopted because an earlier try of it made it."""
    entry = await run.journal.read()
    identity = run.identity
    if entry is None and identity.try_number <= 1:
        return await _ensure(run, 0)
    if entry is not None and entry.try_number == identity.try_number and entry.state in ("intent", "submitted"):
        return await _ensure(run, entry.ordinal)
    return await _ensure(run, await _next_ordinal(run, entry))


async def _next_ordinal(run: StepRun, entry: Entry | None) -> int:
    """The ordinal a later attempt goes on with, having ended what must not go on."""
    ordinal = entry.ordinal if entry is not None else await _last_ordinal(run)
    found = await describe(run, name_of(run, ordinal))
    if found is None:
        return ordinal
    tags = await _tags(run, found)
    _check_owner(run, name_of(run, ordinal), tags)
    asked_anew = _asked_anew(run, entry, tags)
    status = found.get(run.entry.status_key) if run.entry.status_key else None
    if status is None or status in run.entry.succeeded:
        return ordinal + 1 if asked_anew else ordinal
    if status in run.entry.failed:
        return ordinal + 1
    if asked_anew or status == "Stopping":
        await stop_and_wait(run, name_of(run, ordinal))
        return ordinal + 1
    return ordinal


def _asked_anew(run: StepRun, entry: Entry | None, tags: dict[str, str]) -> bool:
    """Whether a user wants a new resource (cleared the task), rather than an attempt going on after a mishap."""
    if entry is not None and entry.state in ("done", "killed", "mishap"):
        return entry.state != "mishap"
    if entry is not None and not run.identity.generation:
        return True  # the attempt before this one was going on well: only a user ends it
    made_in = entry.generation if entry is not None else tags.get("airflow:generation", "")
    return made_in != tag_value(run.identity.generation)


async def _last_ordinal(run: StepRun) -> int:
    for ordinal in range(MOST_ORDINALS):
        if await describe(run, name_of(run, ordinal + 1)) is None:
            return ordinal
    raise StepFailed(f'Step "{run.identity.step}": more than {MOST_ORDINALS} resources were made in this run.')


async def _ensure(run: StepRun, ordinal: int) -> Submitted:
    name = name_of(run, ordinal)
    identity = run.identity
    intent = Entry(name, ordinal, identity.try_number, identity.generation, "intent")
    await run.journal.write(intent)
    request = await build_request(run, ordinal)
    try:
        answer = await call(run.aws, run.entry.service, run.entry.create, **request)
    except Exception as error:
        if not _exists_already(error):
            raise
        return await _adopt(run, ordinal, intent)
    arn = str(answer.get(run.entry.arn_key, ""))
    await run.journal.write(intent.with_state("submitted", arn))
    run.tell(f"{run.entry.create}: {name}")
    return Submitted(name, arn, ordinal, now())


async def _adopt(run: StepRun, ordinal: int, intent: Entry) -> Submitted:
    found = await describe(run, intent.name)
    if found is None:
        raise StepFailed(f'Step "{run.identity.step}": AWS says "{intent.name}" exists and then cannot find it.')
    tags = await _tags(run, found)
    _check_owner(run, intent.name, tags)
    if run.identity.try_number <= 1 and tags.get("airflow:run_started") != tag_value(run.identity.run_started):
        # The same dag and run id, of a run that was deleted since: what it made is not this run's.
        return await _ensure(run, ordinal + 1)
    arn = str(found.get(run.entry.arn_key, ""))
    await run.journal.write(intent.with_state("submitted", arn))
    run.tell(f"{intent.name} exists already and is this step's own: going on with it")
    return Submitted(intent.name, arn, ordinal, str(found.get("CreationTime", "") or now()), adopted=True)


def _exists_already(error: Exception) -> bool:
    code = error_code(error)
    return code in IN_USE or (code == "ValidationException" and "already exist" in error_message(error).lower())


def _check_owner(run: StepRun, name: str, tags: dict[str, str]) -> None:
    if tags.get("airflow:step") != run.identity.step_digest:
        raise NameTaken(run.identity.step, name)


async def describe(run: StepRun, name: str) -> dict[str, Any] | None:
    """The resource called ``name`` as plain JSON, or ``None`` when there is none."""
    entry = run.entry
    try:
        return as_json(await call(run.aws, entry.service, entry.describe, **{entry.name_key: name}))  # type: ignore[no-any-return]
    except Exception as error:
        if error_code(error) in NOT_FOUND:
            return None
        raise


async def _tags(run: StepRun, found: dict[str, Any]) -> dict[str, str]:
    arn = found.get(run.entry.arn_key)
    tags: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        answer = await call(run.aws, "sagemaker", "ListTags", ResourceArn=arn, **token)
        tags.update({tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])})
        if not answer.get("NextToken"):
            return tags
        token = {"NextToken": answer["NextToken"]}


async def stop(run: StepRun, name: str) -> bool:
    """Ask AWS to stop the job ``name``; ``False`` when there is nothing to stop."""
    entry = run.entry
    if not entry.stop:
        return False
    try:
        await call(run.aws, entry.service, entry.stop, **{entry.name_key: name})
    except Exception as error:
        if error_code(error) in NOT_FOUND:  # gone, or ended by itself
            return False
        raise
    run.tell(f"{entry.stop}: {name}")
    return True


async def stop_and_wait(run: StepRun, name: str) -> None:
    """Stop ``name`` and return when it has ended, so that two jobs of one step never run side by side."""
    await stop(run, name)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + STOP_WAIT_S
    pause = 0.5
    while loop.time() < deadline:
        found = await describe(run, name)
        if found is None or found.get(run.entry.status_key) in run.entry.terminal:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 10.0)
    raise StepFailed(f'Step "{run.identity.step}": {name} did not stop within {STOP_WAIT_S:.0f} s.')
