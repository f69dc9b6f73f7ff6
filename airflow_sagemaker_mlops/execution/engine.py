"""The entry point of ``execution``: runs one step, from its slice of the plan to its result.

A step with a job can be run in two parts, so that one process submits the job and another one waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from ..aws_errors import error_code, error_message
from .aws.errors import is_out_of_date, is_transient, may_pass, misconfigured, unknown_region
from .describe import describe
from .exceptions import StepFailed, StepRefused
from .job_state import JobState
from .retries import Retries
from .runners.base import WaitingRunner, provide, runner_of
from .runners.foreach import ForEachRunner
from .step_run import StepResult, StepRun, Submitted
from .stubs.run import StubRunner, declared_for
from .submit import STOPPED, STOPPING

__all__ = [
    "APPEARS_WITHIN_S",
    "complete",
    "follow",
    "is_first_attempt",
    "is_stopping",
    "run_step",
    "runner_of",
    "stop",
    "stop_current",
    "stop_when_visible",
    "submit",
    "waiting_runner_of",
]
APPEARS_WITHIN_S = (0.0, 1.0, 3.0, 6.0, 10.0)
_STUB = StubRunner()


async def run_step(run: StepRun) -> StepResult:
    """Run the whole step in this process.  Raises :class:`StepFailed` if it fails."""
    if run.entry.waits:
        return await complete(run)
    runner = _STUB if declared_for(run) is not None else runner_of(run.entry)
    return await _with_retries(run, lambda: _refused(run, runner.run(run)))


async def complete(run: StepRun, submitted: Callable[[Submitted | None], None] = lambda _job: None) -> StepResult:
    """Start a step with a job and wait for it, with retries by its policies.

    ``submitted`` is called with every job, and with ``None`` before each.
    """

    async def attempt() -> StepResult:
        submitted(None)
        job = await submit(run)
        submitted(job)
        return await follow(run, job)

    return await _with_retries(run, attempt)


async def _with_retries(run: StepRun, attempt: Callable[[], Awaitable[StepResult]]) -> StepResult:
    retries: Retries | None = None
    while True:
        try:
            result = await attempt()
        except Exception as error:
            retries = retries or await Retries.of(run)
            pause = await retries.pause_after(error)
            if pause is None:
                raise
            await asyncio.sleep(pause)
        else:
            return result if retries is None else replace(result, facts={**result.facts, "Retries": retries.total})


async def is_first_attempt(run: StepRun) -> bool:
    """Whether the step has never started in this run: only then may an earlier run's result replace it.

    A job in progress is not abandoned for a cached result, and a user who clears a step wants it to run.
    """
    return run.identity.try_number <= 1 and await run.journal.read() is None


async def submit(run: StepRun) -> Submitted:
    """Start a step with a job; safe to repeat after any interruption."""
    begun = await run.journal.read() is not None  # a job that exists must survive a temporary refusal
    return await _refused(run, waiting_runner_of(run).submit(run), may_pass if begun else is_out_of_date)


async def follow(run: StepRun, submitted: Submitted) -> StepResult:
    """Wait for what :func:`submit` started, here or in another process.  Stops a job that AWS denies access to."""
    try:
        return await _refused(run, waiting_runner_of(run).follow(run, submitted), may_pass)
    except StepRefused:
        try:
            await stop(run, submitted.name, submitted.handle)
        except Exception as error:
            run.log(f"{submitted.name} may be left running: it could not be stopped: {error}")
        raise


async def stop(run: StepRun, name: str, handle: str = "") -> bool:
    """Stop what the step started as ``name``; ``False`` if there is nothing to stop."""
    return run.entry.waits and await waiting_runner_of(run).stop(run, name, handle)


async def is_stopping(run: StepRun, name: str) -> bool:
    """Whether the job ``name`` is already being stopped or was stopped: AWS would refuse another stop."""
    if not name or not runner_of(run.entry).makes_named_jobs:
        return False
    found = await describe(run, name)
    status = run.entry.status_of(found) if found is not None else ""
    return status in STOPPING | STOPPED


async def stop_when_visible(run: StepRun, name: str, handle: str = "") -> bool:
    """Stop a job that may still be being created; ``False`` if none has appeared."""
    for pause in APPEARS_WITHIN_S:
        await asyncio.sleep(pause)
        if await stop(run, name, handle):
            return True
    return False


def waiting_runner_of(run: StepRun) -> WaitingRunner:
    """The runner of a step with a job, or its stub if one is declared."""
    runner = runner_of(run.entry)
    if not isinstance(runner, WaitingRunner):
        raise TypeError(f'The runner "{run.entry.runner}" is not a waiting runner, but {run.step_type} steps need one.')
    return _STUB if declared_for(run) is not None else runner


async def stop_current(run: StepRun) -> None:
    """Stop the job in the journal, and record for the next attempt that the stop was requested.

    AWS is called first: if the run was deleted or Airflow is unreachable, writing the note fails or takes too long.
    """
    entry = await run.journal.read()
    if entry is None or not entry.state.is_under_way:
        return
    try:
        stopped = await stop(run, entry.name, entry.handle)
    finally:
        try:
            await run.journal.write(entry.advance(JobState.STOP_REQUESTED))
        except Exception as error:
            run.log(f"{entry.name} was stopped, but that could not be recorded in Airflow: {error}")
    if not stopped:
        await stop_when_visible(run, entry.name, entry.handle)


Result = TypeVar("Result")


async def _refused(
    run: StepRun, work: Awaitable[Result], passes: Callable[[Exception], bool] = is_out_of_date
) -> Result:
    """``work``, with AWS's refusals raised as :class:`StepRefused`: a retry would be refused again.

    All other errors (throttled, 5xx, no response, and those that ``passes`` accepts) are raised unchanged, for the
    caller to retry.
    """
    try:
        return await work
    except StepFailed:
        raise
    except Exception as error:
        if passes(error):
            raise
        operation = getattr(error, "operation_name", run.entry.create) or "a call"
        missing, nowhere = misconfigured(error), unknown_region(run.aws, run.entry.service, error)
        if missing or nowhere:
            raise StepRefused(run.identity.step, operation, missing or "NoEndpoint", nowhere or str(error)) from error
        if error_code(error) and not is_transient(error):
            raise StepRefused(run.identity.step, operation, error_code(error), error_message(error)) from error
        raise


provide(ForEachRunner(run_step, stop_current))  # it runs steps of any type, and cannot import this module
