"""MaxParallelExecutionSteps for steps with jobs (docs/language/execution.md#parallelism).

Airflow's own limits count tasks that occupy a worker, which a deferred step does not.  So each such step takes a ticket
when its turn comes, and starts once fewer steps than the limit are ahead of it in the same run: steps that have
started, whatever their machines' clocks say, and steps with earlier tickets.  Tickets are stored where other processes
see them, so the limit applies across restarts and across several triggerers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from .backoff import Backoff
from .step_run import StepRun
from .submit import requested_again

SETTLE_S = 1.0  # by then, a ticket written elsewhere at the same moment is visible
BEGUN = 0.0  # the ticket of a step that has started


class QueueSlots(Protocol):
    """The queue of one run: each waiting step has a slot, whose ticket is the time at which it was taken."""

    async def take(self) -> float:
        """This step's ticket: the time it was first taken in this attempt, epoch seconds, or ``BEGUN``."""

    async def begin(self) -> None:
        """Mark the step as started: it is now ahead of all steps that have not started."""

    async def others(self) -> Mapping[str, float]:
        """{step: ticket} of the other steps in progress; ``BEGUN`` for steps without tickets."""


async def admitted(run: StepRun, slots: QueueSlots, max_parallel_steps: int) -> None:
    """Return when the step may start: fewer than ``max_parallel_steps`` others are ahead of it."""
    logged = False
    for pause in Backoff(1.0, 10.0, 1.3):
        if not (ahead := await ahead_of(run, slots, max_parallel_steps)):
            return
        if not logged:
            logged = True
            run.log(waiting_for(ahead, max_parallel_steps))
        await asyncio.sleep(pause)


async def ahead_of(run: StepRun, slots: QueueSlots, max_parallel_steps: int) -> list[str]:
    """The steps ahead of this one if there are at least ``max_parallel_steps``; otherwise none, and the step starts."""
    if not await _has_job(run):
        mine = (await slots.take(), run.identity.task_id)
        if mine[0] == BEGUN:
            return []
        await asyncio.sleep(min(max(0.0, mine[0] + SETTLE_S - time.time()), SETTLE_S))
        ahead = sorted(step for step, ticket in (await slots.others()).items() if (ticket, step) < mine)
        if len(ahead) >= max_parallel_steps:
            return ahead
    await slots.begin()
    return []


async def _has_job(run: StepRun) -> bool:
    """Whether the step's job already exists: a process that takes it over does not queue again."""
    entry = await run.journal.read()
    return entry is not None and entry.state.is_unresolved and not requested_again(run, entry)


def waiting_for(ahead: list[str], max_parallel_steps: int) -> str:
    """A line for the task log."""
    return f"waiting: {max_parallel_steps} steps may run at once; ahead of this one: {', '.join(ahead)}"
