"""Tokens of Callback steps that run on this machine, in a folder that the server and the waiting process share.

Each file is named after the token's handle, its SHA-256, so that listing the folder reveals no token.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .state import read_server

if TYPE_CHECKING:
    from ..json_types import AwsShape


class UnknownToken(LookupError):
    """No step waits for an answer to this token."""


class Callbacks:
    """The open and the answered tokens of a state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "callbacks"

    def secret(self) -> bytes:
        """The secret that tokens are derived from; only the owner of the state folder knows it."""
        server = read_server(self._folder.parent)
        return server.secret_key.encode() if server is not None else secrets.token_bytes(32)

    def open(self, handle: str) -> None:
        """Accept an answer for ``handle`` from now on."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{handle}.open").touch()

    def is_open(self, handle: str) -> bool:
        """Whether ``handle`` accepts an answer or has one."""
        return (self._folder / f"{handle}.open").exists() or self._answer_file(handle).exists()

    def close(self, handle: str) -> None:
        """Stop accepting an answer for ``handle``."""
        (self._folder / f"{handle}.open").unlink(missing_ok=True)

    def read(self, handle: str) -> dict[str, Any] | None:
        """The answer; ``None`` until there is one."""
        try:
            return dict(json.loads(self._answer_file(handle).read_text()))
        except FileNotFoundError:
            return None

    def answer(self, token: str, answer: AwsShape) -> None:
        """Store the answer.  Raises :class:`UnknownToken` if no step waits for it or if it already has an answer."""
        handle = hashlib.sha256(token.encode()).hexdigest()
        opened = self._folder / f"{handle}.open"
        if not opened.exists():
            raise UnknownToken(token)
        written = self._folder / f"{handle}.{uuid.uuid4().hex}.tmp"
        written.write_text(json.dumps(answer))
        try:
            self._answer_file(handle).hardlink_to(written)  # atomic; exactly one of several concurrent answers wins
        except FileExistsError:
            raise UnknownToken(token) from None
        finally:
            written.unlink()
        opened.unlink(missing_ok=True)

    def _answer_file(self, handle: str) -> Path:
        return self._folder / f"{handle}.json"
