"""Bedrock and Athena: started by an idempotent call with a client token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..aws.calls import as_json, call
from ..describe import address_of, describe
from ..exceptions import StepFailed
from ..identity import digest
from ..journal import Entry
from ..request import fitted, resolved_arguments
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import Inspect, next_start
from ..watch.console_links import facts_about
from .base import WaitingRunner
from .job import ended_well, result_of

if TYPE_CHECKING:
    from ...json_types import AwsShape

TOKEN = 40  # Athena wants 32 to 128 characters, EMR Serverless at most 64


class StartedExecutionRunner(WaitingRunner):
    """Starts an execution with a client token."""

    request_from = "arguments"
    is_job = True
    needs_journal = True

    async def submit(self, run: StepRun) -> Submitted:
        """Start the execution of this attempt, or find it if it was already started."""
        ordinal = await next_start(run, lambda handle: describe(run, handle))
        job = await continued_execution(run, ordinal)
        if job is not None:
            return job
        request = await fitted(run, await resolved_arguments(run))
        return await start(run, ordinal, request, lambda handle: describe(run, handle))

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for it to end."""
        answer = await ended_well(run, job, address_of(run, job.name))
        return result_of(run, job.name, answer, started=job.since)


async def continued_execution(run: StepRun, ordinal: int) -> Submitted | None:
    """The execution in the journal if it should continue; ``None`` if a new one must be started.

    Its token cannot be sent again: it contains the start of the run, which Airflow changes when a finished run is
    cleared.
    """
    entry, identity = await run.journal.read(), run.identity
    if entry is None or not entry.handle or entry.ordinal != ordinal:
        return None
    job = Submitted(entry.name, entry.handle, ordinal, now(), adopted=True)
    await run.journal.write(job.entry(identity))
    run.log(f"continuing with {entry.name}")
    await run.publish(facts_about(run, entry.name, entry.handle))
    return job


async def start(run: StepRun, ordinal: int, request: AwsShape, inspect: Inspect) -> Submitted:
    """Send ``request`` with the token of ``ordinal``, unless the document has one, and record what it started.

    inspect  reads the properties of an execution by its handle
    """
    key = run.entry.token_key
    forgotten = await run.journal.read() is None and run.identity.try_number > 1 and not run.is_continuation
    while True:
        job = await _send(run, ordinal, {key: token(run, ordinal), **request})
        # Without a journal (Airflow before 3.3), a failed attempt's token returns what that attempt started.
        found = await inspect(job.handle) if forgotten and key not in request else None
        if found is None or run.entry.status_of(found) not in run.entry.failed:
            return job
        ordinal += 1


async def _send(run: StepRun, ordinal: int, request: AwsShape) -> Submitted:
    entry, identity = run.entry, run.identity
    await run.journal.write(Entry.of(identity, "", ordinal))
    answer = as_json(await call(run.aws, entry.service, entry.create, **request))
    handle = next((str(answer[key]) for key in _spellings(entry.arn_key) if key in answer), "")
    if not handle:
        raise StepFailed(f'Step "{identity.step}": {entry.create} answered without {entry.arn_key}.')
    job = Submitted(handle, handle, ordinal, now())
    await run.journal.write(job.entry(identity))
    run.log(f"{entry.create}: {handle}")
    await run.publish({**facts_about(run, handle, handle), "created": handle})
    return job


def token(run: StepRun, ordinal: int) -> str:
    """The client token of the ``ordinal``-th start."""
    identity = run.identity
    return digest(identity.step_digest, identity.run_started, identity.generation, str(ordinal))[:TOKEN]


def _spellings(key: str) -> tuple[str, str]:
    return key, key[:1].lower() + key[1:]
