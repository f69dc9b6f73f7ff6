"""The notes of a step (results of a loop's children, counts of its retry policies), in its task store."""

from __future__ import annotations

from typing import Any

from .protocol import Space, TaskStore


class TaskNotes:
    """Notes that survive the attempt: in the state store, or in XComs if there is none."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._space = Space.STATE if store.has_state else Space.XCOM

    async def load(self, name: str) -> Any:
        """The value stored under ``name``, or ``None``."""
        return await self._store.get(name, self._space)

    async def save(self, name: str, value: object) -> None:
        """Store ``value``."""
        await self._store.set(name, value, self._space)
