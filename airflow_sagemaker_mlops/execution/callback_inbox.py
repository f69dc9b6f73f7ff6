"""Where answers to Callback steps arrive.  Who serves as one: Airflow's XComs, or the embedded AWS."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Protocol

OF_THIS_PROCESS = secrets.token_bytes(32)


class Mailbox(Protocol):
    """Keeps one answer for each token, and takes only one.  It knows a token by its handle, which is a hash.

    secret   what tokens are made from; the same in all processes that a step goes through
    """

    @property
    def secret(self) -> bytes:
        """Of the deployment; of this process where there is none."""

    async def open(self, handle: str) -> None:
        """Take an answer for ``handle`` from now on."""

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` may be answered, or has been."""

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """``{"Status": "Succeeded", "OutputParameters": [...]}`` or ``{"Status": "Failed", "FailureReason": ...}``."""

    async def close(self, handle: str) -> None:
        """Take no answer for ``handle`` any more."""


@dataclass(slots=True)
class MemoryMailbox:
    """A mailbox that lives as long as its process."""

    answers: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    secret: bytes = OF_THIS_PROCESS

    async def open(self, handle: str) -> None:
        """Take an answer for ``handle`` from now on."""
        self.answers.setdefault(handle, None)

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` may be answered, or has been."""
        return handle in self.answers

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return self.answers.get(handle)

    async def close(self, handle: str) -> None:
        """Take no answer for ``handle`` any more."""
        self.answers.pop(handle, None)
