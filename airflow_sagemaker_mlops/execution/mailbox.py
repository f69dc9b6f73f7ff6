"""Where answers to Callback steps arrive.  Who serves as one: Airflow's XComs, or the embedded AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


class Mailbox(Protocol):
    """Keeps one answer for each token, and takes only one."""

    async def open(self, token: str) -> None:
        """Take an answer for ``token`` from now on."""

    async def is_open(self, token: str) -> bool:
        """Whether ``token`` may be answered, or has been."""

    async def answer(self, token: str) -> dict[str, Any] | None:
        """``{"Status": "Succeeded", "OutputParameters": [...]}`` or ``{"Status": "Failed", "FailureReason": ...}``."""

    async def close(self, token: str) -> None:
        """Take no answer for ``token`` any more."""


@dataclass(slots=True)
class MemoryMailbox:
    """A mailbox that lives as long as its process."""

    answers: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    async def open(self, token: str) -> None:
        """Take an answer for ``token`` from now on."""
        self.answers.setdefault(token, None)

    async def is_open(self, token: str) -> bool:
        """Whether ``token`` may be answered, or has been."""
        return token in self.answers

    async def answer(self, token: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return self.answers.get(token)

    async def close(self, token: str) -> None:
        """Take no answer for ``token`` any more."""
        self.answers.pop(token, None)
