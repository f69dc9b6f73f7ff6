"""Tokens of Callback steps that run on this machine: a folder, so that the server and whoever waits both see it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any


class UnknownToken(LookupError):
    """Nobody waits for an answer to this token."""


class Callbacks:
    """The open and the answered tokens of a state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "callbacks"

    def open(self, token: str) -> None:
        """Take an answer for ``token`` from now on."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{token}.open").touch()

    def is_open(self, token: str) -> bool:
        """Whether ``token`` may be answered, or has been."""
        return (self._folder / f"{token}.open").exists() or self._answer_file(token).exists()

    def close(self, token: str) -> None:
        """Take no answer for ``token`` any more."""
        (self._folder / f"{token}.open").unlink(missing_ok=True)

    def read(self, token: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        try:
            return dict(json.loads(self._answer_file(token).read_text()))
        except FileNotFoundError:
            return None

    def answer(self, token: str, answer: dict[str, Any]) -> None:
        """Give the answer.  Raises :class:`UnknownToken` when nobody waits for it, or it has been given."""
        opened = self._folder / f"{token}.open"
        if not opened.exists():
            raise UnknownToken(token)
        written = self._folder / f"{token}.{uuid.uuid4().hex}.tmp"
        written.write_text(json.dumps(answer))
        try:
            self._answer_file(token).hardlink_to(written)  # whole, and of racing answers one
        except FileExistsError:
            raise UnknownToken(token) from None
        finally:
            written.unlink()
        opened.unlink(missing_ok=True)

    def _answer_file(self, token: str) -> Path:
        return self._folder / f"{token}.json"
