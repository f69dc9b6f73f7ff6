"""Writes in the background of a run: no step waits for them, the end of the run does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class BackgroundWrites:
    """Pending writes of one event loop.  Each must report its own errors; they are not raised here."""

    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Start ``work`` without waiting for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the event loop holds only weak references to tasks
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until all started work has ended, including work started meanwhile."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
