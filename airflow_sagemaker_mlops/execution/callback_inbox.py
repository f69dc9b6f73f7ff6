"""Receives answers to Callback steps; implemented with Airflow's XComs and with the embedded AWS."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Protocol

OF_THIS_PROCESS = secrets.token_bytes(32)


class CallbackInbox(Protocol):
    """Stores one answer per token and accepts only one.  Identifies a token by its handle, which is a hash.

    secret   the secret from which tokens are derived; the same in all processes that run a step
    """

    @property
    def secret(self) -> bytes:
        """The deployment's secret; without one, a secret of this process."""

    async def open(self, handle: str) -> None:
        """Start accepting an answer for ``handle``."""

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` accepts an answer, or has received one."""

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """``{"Status": "Succeeded", "OutputParameters": [...]}`` or ``{"Status": "Failed", "FailureReason": ...}``."""

    async def close(self, handle: str) -> None:
        """Stop accepting an answer for ``handle``."""


@dataclass(slots=True)
class MemoryCallbackInbox:
    """An inbox that lives as long as its process."""

    answers: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    secret: bytes = OF_THIS_PROCESS

    async def open(self, handle: str) -> None:
        """Start accepting an answer for ``handle``."""
        self.answers.setdefault(handle, None)

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` accepts an answer, or has received one."""
        return handle in self.answers

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return self.answers.get(handle)

    async def close(self, handle: str) -> None:
        """Stop accepting an answer for ``handle``."""
        self.answers.pop(handle, None)
