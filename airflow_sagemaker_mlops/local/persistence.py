"""Keeping what moto holds in memory, and giving it back to a new moto after a restart.

S3's objects are kept by ``objects``, messages in queues by ``messages``, what changes control planes by ``journal``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .journal import JOURNALED, Journal, is_read
from .locks import NamedLocks
from .messages import Messages
from .moto_app import Environ, Moto, Reply
from .objects import Objects, bucket_changed_by


class Keeper:
    """Writes through what succeeded, and plays it back into a new moto."""

    def __init__(self, state_dir: Path, moto: Moto, authorization: str) -> None:
        self._turns = NamedLocks()
        self._objects = Objects(state_dir, moto, authorization)
        self._journal = Journal(state_dir / "journal.jsonl", moto)
        self._messages = Messages(state_dir / "messages.sqlite")

    def restore(self) -> None:
        """Give moto back everything that was kept: buckets first, for functions that are made of what is in them."""
        self._objects.restore()
        self._journal.replay()
        self._messages.restore()

    @contextmanager
    def turn(self, service: str, environ: Environ, body: bytes) -> Iterator[None]:
        """To be held from moto's answer until it is kept, so that changes are kept in the order that moto made them."""
        name = self._what_changes(service, environ, body)
        if name is None:
            yield
            return
        with self._turns.hold(name):
            yield

    @staticmethod
    def _what_changes(service: str, environ: Environ, body: bytes) -> str | None:
        if service == "s3":
            bucket = bucket_changed_by(environ)
            return None if bucket is None else f"s3/{bucket}"
        return service if service in JOURNALED and not is_read(environ, body) else None

    def keep(self, service: str, region: str, environ: Environ, body: bytes, reply: Reply) -> None:
        """Look at a request that moto answered, and write down what it changed."""
        if not 200 <= reply.status < 300:
            return
        if service == "s3":
            self._objects.keep(environ, body, reply)
        elif service in JOURNALED and not is_read(environ, body):
            self._journal.keep(region, environ, body)
            self._messages.keep()
