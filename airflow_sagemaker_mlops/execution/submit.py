"""Exactly-once creation of a named resource (jobs, models, endpoint configs).

The name is the idempotency key, and AWS is the ledger.  A name is derived from run, task and ordinal; the ordinal is
incremented only if the previous resource failed, or if a user requested a new one by clearing the task.  So after a
lost response, a killed process or in a second attempt, "already exists" leads to adoption, after checking the tags.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..aws_errors import NOT_FOUND, error_code, error_message
from .aws.calls import call, call_with_retries, tags_of
from .aws.errors import IN_USE
from .backoff import Backoff, poll_until
from .describe import address_of, describe
from .exceptions import NameTaken, StepFailed
from .identity import is_start, tag_value
from .job_state import JobState
from .journal import Entry
from .request import Change, build_request, name_of, unchanged
from .step_run import StepRun, Submitted, now

if TYPE_CHECKING:
    from ..json_types import AwsShape

MAX_ORDINALS = 500
NO_TAGS: Mapping[str, str] = MappingProxyType({})
Inspect = Callable[[str], Awaitable[dict[str, Any] | None]]
STOP_WAIT_S = 1800.0  # a training job may upload its model first
VISIBLE_WAIT_S = 60.0
STOPPING = frozenset({"Stopping", "CANCELLING", "CANCEL_PENDING"})
STOPPED = frozenset({"Stopped", "CANCELLED", "INTERRUPTED"})


async def submit(run: StepRun, change: Change = unchanged) -> Submitted:
    """The resource of this attempt: created now, or adopted because this attempt has already created it.

    ``change`` makes the final change to the arguments before they become the request.
    """
    entry = await run.journal.read()
    identity = run.identity
    if entry is None and identity.try_number <= 1:
        return await _ensure(run, 0, change)
    if entry is not None and entry.try_number == identity.try_number and entry.state.is_under_way:
        is_continuation = entry.state.is_running
        if await describe(run, entry.name) is not None:  # the inputs of its request may no longer exist
            return await _adopt(run, entry.ordinal, entry, change, is_continuation=is_continuation)
        return await _ensure(run, entry.ordinal, change, is_continuation=is_continuation)
    ordinal, is_continuation = await _next_ordinal(run, entry)
    return await _ensure(run, ordinal, change, is_continuation=is_continuation)


async def _next_ordinal(run: StepRun, entry: Entry | None) -> tuple[int, bool]:
    """The ordinal of a later attempt, and whether it continues an earlier resource; first stops one that must not."""
    ordinal = entry.ordinal if entry is not None else await _last_ordinal(run)
    name = name_of(run, ordinal)
    found = await describe(run, name)
    if found is None:
        return ordinal, False
    tags = await _tags(run, found)
    _check_owner(run, name, tags)
    entry = entry or Entry(name, ordinal, 0, tags.get("airflow:generation", ""), JobState.RUNNING)
    following, must_end = ordinal_after(run, entry, found, tags)
    if must_end:
        await stop_and_wait(run, name)
    return following, following == ordinal


def ordinal_after(
    run: StepRun, entry: Entry, found: Mapping[str, object] | None, tags: Mapping[str, str] = NO_TAGS
) -> tuple[int, bool]:
    """The ordinal after an earlier attempt's ``entry``, and whether that entry's resource must be stopped first.

    found   its properties, ``None`` if it does not exist (yet)
    tags    those of a tagged resource, which show the generation if the journal was lost
    """
    if found is None:
        return entry.ordinal, False
    again = requested_again(run, entry, tags)
    status = run.entry.status_of(found)
    if not status or status in run.entry.succeeded:
        return (entry.ordinal + 1 if again else entry.ordinal), False
    if status in STOPPED and _was_broken_off(run, entry):
        return entry.ordinal + 1, False
    if status in run.entry.failed:
        return (entry.ordinal if _has_unreported_failure(run, entry, again=again) else entry.ordinal + 1), False
    must_end = again or status in STOPPING
    return (entry.ordinal + 1 if must_end else entry.ordinal), must_end


def _was_broken_off(run: StepRun, entry: Entry) -> bool:
    """Whether ``entry`` is from an earlier attempt that was ended before it could record why.

    Airflow ends a process that it has not heard from for a minute.  The process stops its job, but cannot record that
    while the API server is unreachable.  A job that somebody else stopped meanwhile looks the same, and is run again.
    """
    earlier = bool(entry.try_number) and entry.try_number != run.identity.try_number
    return earlier and entry.state.is_unresolved


def _has_unreported_failure(run: StepRun, entry: Entry, *, again: bool) -> bool:
    """Whether the previous attempt was interrupted before it could report its job's failure.

    If so, this attempt reports it instead of starting another job, which would fail in the same way.
    """
    if not entry.try_number:
        return run.is_continuation  # the journal is lost
    if entry.try_number == run.identity.try_number:
        return entry.state.has_failed  # otherwise a retry policy has requested another
    return entry.state.has_failed or (not again and not entry.state.failure_was_reported)


def requested_again(run: StepRun, entry: Entry, tags: Mapping[str, str] = NO_TAGS) -> bool:
    """Whether a user requested a new resource by clearing the task, rather than this attempt continuing an earlier one.

    The ``tags`` of the resource show the generation if the journal was lost.
    """
    identity = run.identity
    known = bool(entry.try_number)  # 0: restored from the resource's tags
    if known and entry.try_number == identity.try_number:
        return False  # the same attempt, in another process
    if known and entry.state.stop_was_requested:
        return True
    if identity.generation:
        made_in = entry.generation if known else tags.get("airflow:generation", "")
        return made_in != tag_value(identity.generation)
    # Without a generation, an attempt that was not recorded as interrupted was ended by a user.
    return known and not entry.state.was_interrupted


async def _last_ordinal(run: StepRun) -> int:
    """The last ordinal used in this run; that of another Airflow deployment only if this run has none."""
    if name_of(run, 0) == name_of(run, 1):
        return 0  # the document gives the full name
    own: int | None = None
    for ordinal in range(MAX_ORDINALS):
        found = await describe(run, name_of(run, ordinal))
        if found is None:
            return max(ordinal - 1, 0) if own is None else own
        if is_of_run(run, await _tags(run, found)):
            own = ordinal
    raise StepFailed(f'Step "{run.identity.step}": more than {MAX_ORDINALS} resources were created in this run.')


async def _ensure(run: StepRun, ordinal: int, change: Change, *, is_continuation: bool = False) -> Submitted:
    """Create the resource, or adopt the one that exists.

    is_continuation  adopt also what an earlier attempt created, perhaps before a clear
    """
    name = name_of(run, ordinal)
    identity = run.identity
    # The next process of this attempt must know that it continues, too.
    intent = Entry.of(identity, name, ordinal, is_running=is_continuation)
    await run.journal.write(intent)
    request = await build_request(run, ordinal, change)
    try:
        answer = await call(run.aws, run.entry.service, run.entry.create, **request)
    except Exception as error:
        if not _exists_already(error):
            raise
        return await _adopt(run, ordinal, intent, change, is_continuation=is_continuation)
    # Record the intent: its name is enough to find the resource again.
    run.log(f"{run.entry.create}: {name}")
    return Submitted(name, str(answer.get(run.entry.arn_key, "")), ordinal, now())


async def _adopt(run: StepRun, ordinal: int, intent: Entry, change: Change, *, is_continuation: bool) -> Submitted:
    found = await once_visible(run, intent.name)
    tags = await _tags(run, found)
    _check_owner(run, intent.name, tags)
    if not is_continuation and not is_of_run(run, tags) and name_of(run, ordinal + 1) != intent.name:
        # It belongs to a deleted run with the same ids, or to another Airflow deployment.
        return await _ensure(run, ordinal + 1, change)
    arn = str(found.get(run.entry.arn_key, ""))
    run.log(f"{intent.name} already exists and belongs to this step: continuing with it")
    return Submitted(intent.name, arn, ordinal, str(found.get("CreationTime", "") or now()), adopted=True)


def is_of_run(run: StepRun, tags: Mapping[str, str]) -> bool:
    """Whether ``tags`` are from this run since it started, or since it was last cleared after its end."""
    return is_start(tags.get("airflow:run_started", ""), run.identity.run_started)


async def once_visible(run: StepRun, name: str) -> dict[str, Any]:
    """Describe a resource that AWS says exists; right after its creation Describe may not find it yet."""
    found = await poll_until(
        lambda: describe(run, name), lambda found: found is not None, Backoff(0.5, 5.0), VISIBLE_WAIT_S
    )
    if found is None:
        raise StepFailed(f'Step "{run.identity.step}": AWS says that "{name}" exists but cannot find it.')
    return found


def _exists_already(error: Exception) -> bool:
    code = error_code(error)
    return code in IN_USE or (code == "ValidationException" and "already exist" in error_message(error).lower())


def _check_owner(run: StepRun, name: str, tags: dict[str, str]) -> None:
    if tags.get("airflow:step") != run.identity.step_digest:
        raise NameTaken(run.identity.step, name)


async def _tags(run: StepRun, found: Mapping[str, object]) -> dict[str, str]:
    return await tags_of(partial(call, run.aws), found.get(run.entry.arn_key))


async def stop(run: StepRun, name: str, _handle: str = "") -> bool:
    """Ask AWS to stop the job ``name``; ``False`` if there is nothing to stop."""
    entry = run.entry
    if not entry.stop or not name:
        return False
    try:
        await call_with_retries(run.aws, entry.service, entry.stop, **address_of(run, name))
    except Exception as error:
        if error_code(error) in NOT_FOUND:  # gone, or already ended
            return False
        raise
    run.log(f"{entry.stop}: {name}")
    return True


async def stop_and_wait(run: StepRun, name: str) -> None:
    """Stop ``name`` and return when it has ended, so that two jobs of a step never run at the same time."""
    await stop(run, name)
    await _until_ended(run, name, lambda: describe(run, name))


async def next_start(run: StepRun, inspect: Inspect, end: Callable[[StepRun, str, str], Awaitable[bool]] = stop) -> int:
    """The ordinal for services without client-chosen names.  Stops the previous execution if it must not continue.

    inspect  reads the properties of the execution in the journal
    end      stops it, by name and handle
    """
    entry = await run.journal.read()
    if entry is None:
        return 0
    found = await inspect(entry.handle) if entry.handle else None
    ordinal, must_end = ordinal_after(run, entry, found)
    if must_end and not run.entry.stop:
        run.log(f"{entry.name} cannot be stopped, so it keeps running")
        return entry.ordinal
    if must_end:
        await end(run, entry.name, entry.handle)
        await _until_ended(run, entry.name, lambda: inspect(entry.handle))
    return ordinal


async def _until_ended(run: StepRun, name: str, inspect: Callable[[], Awaitable[dict[str, Any] | None]]) -> None:
    def has_ended(found: AwsShape | None) -> bool:
        return found is None or run.entry.status_of(found) in run.entry.terminal

    if not has_ended(await poll_until(inspect, has_ended, Backoff(0.5, 10.0), STOP_WAIT_S)):
        raise StepFailed(f'Step "{run.identity.step}": {name} did not stop within {STOP_WAIT_S:.0f} s.')
