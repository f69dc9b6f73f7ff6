"""Answers to Callback steps of a pipeline that runs in this process: the embedded AWS takes them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..local.callbacks import Callbacks


class LocalMailbox:
    """A mailbox in the state folder of the embedded AWS."""

    def __init__(self, state_dir: Path) -> None:
        self._callbacks = Callbacks(state_dir)

    async def open(self, token: str) -> None:
        """Take an answer for ``token`` from now on."""
        self._callbacks.open(token)

    async def is_open(self, token: str) -> bool:
        """Whether ``token`` may be answered, or has been."""
        return self._callbacks.is_open(token)

    async def answer(self, token: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return self._callbacks.read(token)

    async def close(self, token: str) -> None:
        """Take no answer for ``token`` any more."""
        self._callbacks.close(token)
