"""Writing beside a run: what no step has to wait for, and what the end of the run does wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class BackgroundWrites:
    """Writings under way in one event loop.  What they raise is theirs to tell; nobody is given it here."""

    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin ``work``, and go on."""
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when everything that was begun has ended, also what is begun meanwhile."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
