"""Answers to Callback steps, in the task store of the waiting step."""

from __future__ import annotations

from typing import Any

from ...callbacks.store import CLOSED, OPEN, as_answer, deployment_secret
from ...xcom_keys import CALLBACK_PREFIX
from .protocol import Space, TaskStore


class TaskCallbackInbox:
    """The API server overwrites the XCom that the step created with the answer.

    An answer to an earlier attempt was deleted with the XComs of that attempt.  The state store still has it.
    """

    secret = property(lambda _self: deployment_secret())

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    async def open(self, handle: str) -> None:
        """Start accepting an answer for ``handle``."""
        await self._store.set(CALLBACK_PREFIX + handle, OPEN)

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` accepts an answer, or has received one."""
        return await self._read(handle) not in (None, CLOSED)

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return as_answer(await self._read(handle))

    async def close(self, handle: str) -> None:
        """Stop accepting an answer for ``handle``."""
        await self._store.set(CALLBACK_PREFIX + handle, CLOSED)

    async def _read(self, handle: str) -> Any:
        key = CALLBACK_PREFIX + handle
        found = await self._store.get(key)
        if found is not None:
            return found
        found = await self._store.get(key, Space.STATE)
        if found is not None:  # the trigger of this attempt reads it from XComs
            await self._store.set(key, found)
        return found
