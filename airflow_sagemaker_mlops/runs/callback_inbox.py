"""Answers to Callback steps of a pipeline that runs in this process: the embedded AWS takes them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..local_aws.callbacks import Callbacks


class LocalMailbox:
    """A mailbox in the state folder of the embedded AWS."""

    def __init__(self, state_dir: Path) -> None:
        self._callbacks = Callbacks(state_dir)
        self.secret = self._callbacks.secret()

    async def open(self, handle: str) -> None:
        """Take an answer for ``handle`` from now on."""
        self._callbacks.open(handle)

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` may be answered, or has been."""
        return self._callbacks.is_open(handle)

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return self._callbacks.read(handle)

    async def close(self, handle: str) -> None:
        """Stop accepting an answer for ``handle``."""
        self._callbacks.close(handle)
