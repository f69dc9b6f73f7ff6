"""Answers to Callback steps that begin in a worker: the same XComs as in the triggerer, by the worker's own means."""

from __future__ import annotations

from typing import Any

from ..callbacks.store import CLOSED, KEY_PREFIX, OPEN, as_answer


class WorkerMailbox:
    """A mailbox in the XComs of the running task."""

    def __init__(self, ti: Any) -> None:
        self._ti = ti

    def _read(self, token: str) -> Any:
        return self._ti.xcom_pull(task_ids=self._ti.task_id, key=KEY_PREFIX + token)

    async def open(self, token: str) -> None:
        """Take an answer for ``token`` from now on."""
        self._ti.xcom_push(key=KEY_PREFIX + token, value=OPEN)

    async def is_open(self, token: str) -> bool:
        """Whether ``token`` may be answered, or has been."""
        return self._read(token) not in (None, CLOSED)

    async def answer(self, token: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return as_answer(self._read(token))

    async def close(self, token: str) -> None:
        """Take no answer for ``token`` any more."""
        self._ti.xcom_push(key=KEY_PREFIX + token, value=CLOSED)
