"""Ends a step that runs in this process, because the whole run is being ended."""

from __future__ import annotations

import asyncio

from ..aws_errors import error_message
from .engine import APPEARS_WITHIN_S, stop, waiting_runner_of
from .job_state import JobState
from .step_run import StepRun
from .stubs import run as stub

LONGEST_END_S = 300.0  # SageMaker gives containers 120 s after SIGTERM, and then uploads their output


async def end_step(task: asyncio.Task[None], run: StepRun | None) -> str:
    """Stop the job of ``run`` and end ``task``, which executes it; returns why the job may still run, or "".

    Waits for a job that AWS is stopping, so that ``task`` records how it ended.  Never raises.
    """
    why = ""
    if run is not None and run.entry.waits and stub.declared_for(run) is None:
        try:
            why = await _stop_job(task, run)
        except Exception as error:
            why = f"{await _name(run)} may be left running: it could not be stopped: {error_message(error)}"
            run.log(why)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return why


async def _stop_job(task: asyncio.Task[None], run: StepRun) -> str:
    runner = waiting_runner_of(run)
    if runner.has_children:
        task.cancel()  # otherwise the next item would start
        await asyncio.gather(task, return_exceptions=True)
        await stop(run, "")
        return ""
    entry = await run.journal.read()
    if entry is None or not entry.state.is_under_way:
        return ""  # nothing was submitted, or the task waits for the next attempt
    await run.journal.write(entry.advance(JobState.STOP_REQUESTED))
    waits = runner.ends_soon
    for pause in APPEARS_WITHIN_S if waits else (0.0,):  # a job that was being created appears in a moment
        await asyncio.wait({task}, timeout=pause)
        if task.done():
            return ""
        if await stop(run, entry.name, entry.handle):
            break
    else:
        return f"{entry.name} was not found, so it was not stopped" if waits else ""
    if waits:
        await asyncio.wait({task}, timeout=LONGEST_END_S)
        if not task.done():
            return f"{entry.name} was asked to stop and had not ended after {LONGEST_END_S:.0f} s"
    return ""


async def _name(run: StepRun) -> str:
    entry = await run.journal.read()
    return entry.name if entry is not None else f'the job of step "{run.identity.step}"'
