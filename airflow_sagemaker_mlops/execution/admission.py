"""MaxParallelExecutionSteps for steps that wait (language reference 11.1).

Airflow's own limits count what holds a worker, and a deferred step holds none.  So each step that waits takes a ticket
when its turn comes, and begins once fewer than so many steps with earlier tickets are on their way in the same run.
Tickets are kept where other processes see them, so the limit holds over restarts and over several triggerers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from .step_run import StepRun

SETTLE_S = 1.0  # a ticket written at the same moment elsewhere is seen by then
FASTEST_S = 1.0
SLOWEST_S = 10.0


class Tickets(Protocol):
    """The tickets of the steps of one run."""

    async def take(self) -> float:
        """This step's ticket: the time it was first taken in this attempt, epoch seconds."""

    async def others(self) -> Mapping[str, float]:
        """{step: ticket} of the other steps that are on their way now; 0 for one that has none."""


async def admitted(run: StepRun, tickets: Tickets, most: int) -> None:
    """Return when the step may begin: fewer than ``most`` others are ahead of it."""
    pause, told = FASTEST_S, False
    while True:
        ahead = await ahead_of(run, tickets)
        if len(ahead) < most:
            return
        if not told:
            told = True
            run.tell(waiting_for(ahead, most))
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, SLOWEST_S)


async def ahead_of(run: StepRun, tickets: Tickets) -> list[str]:
    """The steps on their way whose tickets are older than this step's, which takes one if it has none."""
    mine = (await tickets.take(), run.identity.task_id)
    await asyncio.sleep(max(0.0, mine[0] + SETTLE_S - time.time()))
    return sorted(step for step, ticket in (await tickets.others()).items() if (ticket, step) < mine)


def waiting_for(ahead: list[str], most: int) -> str:
    """A line for the task log."""
    return f"waiting: {most} steps run at a time, ahead are {', '.join(ahead)}"
