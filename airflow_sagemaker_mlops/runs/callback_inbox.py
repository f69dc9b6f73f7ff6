"""Answers to Callback steps of a pipeline that runs in this process, received by the embedded AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..local_aws.callbacks import Callbacks


class LocalCallbackInbox:
    """An inbox in the state folder of the embedded AWS."""

    def __init__(self, state_dir: Path) -> None:
        self._callbacks = Callbacks(state_dir)
        self.secret = self._callbacks.secret()

    async def open(self, handle: str) -> None:
        """Start accepting an answer for ``handle``."""
        self._callbacks.open(handle)

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` accepts an answer, or has received one."""
        return self._callbacks.is_open(handle)

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return self._callbacks.read(handle)

    async def close(self, handle: str) -> None:
        """Stop accepting an answer for ``handle``."""
        self._callbacks.close(handle)
