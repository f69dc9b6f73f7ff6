"""MaxParallelExecutionSteps for steps that wait (docs/language/execution.md#parallelism).

Airflow's own limits count what holds a worker, and a deferred step holds none.  So each step that waits takes a ticket
when its turn comes, and begins once fewer than so many steps are ahead of it in the same run: those that have begun,
whatever the clocks of their machines say, and those with earlier tickets.  Tickets are kept where other processes see
them, so the limit holds over restarts and over several triggerers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from .step_run import StepRun
from .submit import asked_anew

SETTLE_S = 1.0  # a ticket written at the same moment elsewhere is seen by then
FASTEST_S = 1.0
SLOWEST_S = 10.0
BEGUN = 0.0  # the ticket of a step that has begun


class QueueSlots(Protocol):
    """The queue of one run: each step that waits has a slot, whose ticket says when it took it."""

    async def take(self) -> float:
        """This step's ticket: the time it was first taken in this attempt, epoch seconds, or ``BEGUN``."""

    async def begin(self) -> None:
        """The step begins: from now on it is ahead of all who have not."""

    async def others(self) -> Mapping[str, float]:
        """{step: ticket} of the other steps that are on their way now; ``BEGUN`` for one that takes none."""


async def admitted(run: StepRun, slots: QueueSlots, max_parallel_steps: int) -> None:
    """Return when the step may begin: fewer than ``max_parallel_steps`` others are ahead of it."""
    pause, told = FASTEST_S, False
    while ahead := await ahead_of(run, slots, max_parallel_steps):
        if not told:
            told = True
            run.tell(waiting_for(ahead, max_parallel_steps))
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, SLOWEST_S)


async def ahead_of(run: StepRun, slots: QueueSlots, max_parallel_steps: int) -> list[str]:
    """The steps ahead of this one, where there are ``max_parallel_steps`` or more; else none, and the step begins."""
    if not await _goes_on(run):
        mine = (await slots.take(), run.identity.task_id)
        if mine[0] == BEGUN:
            return []
        await asyncio.sleep(min(max(0.0, mine[0] + SETTLE_S - time.time()), SETTLE_S))
        ahead = sorted(step for step, ticket in (await slots.others()).items() if (ticket, step) < mine)
        if len(ahead) >= max_parallel_steps:
            return ahead
    await slots.begin()
    return []


async def _goes_on(run: StepRun) -> bool:
    """Whether the step's job is on its way already: a process that takes it over does not queue again."""
    entry = await run.journal.read()
    return entry is not None and entry.state.is_unresolved and not asked_anew(run, entry)


def waiting_for(ahead: list[str], max_parallel_steps: int) -> str:
    """A line for the task log."""
    return f"waiting: {max_parallel_steps} steps run at a time, ahead are {', '.join(ahead)}"
