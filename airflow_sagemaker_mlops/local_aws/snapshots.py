"""Stores moto's in-memory state on disk and restores it into a new moto after a restart.

``s3.objects`` stores S3's objects, ``sqs_messages`` the messages in queues, ``journal`` the changes to control planes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .journal import NOT_JOURNALED, Journal, is_read
from .locks import NamedLocks
from .moto_backend import Environ, Moto, Reply, seeded_identifiers
from .s3.objects import Objects, bucket_changed_by
from .sqs_messages import Messages
from .state import report_damage

WITHOUT_MESSAGES = frozenset({"logs", "monitoring"})  # jobs write to these all the time without sending messages


class Snapshots:
    """Writes successful changes through to disk and restores them into a new moto."""

    def __init__(self, state_dir: Path, moto: Moto, authorization: str) -> None:
        self._locks = NamedLocks()
        self._state_dir = state_dir
        with report_damage(state_dir / "s3.sqlite"):
            self._objects = Objects(state_dir, moto, authorization)
        with report_damage(state_dir / "journal.jsonl"):
            self._journal = Journal(state_dir / "journal.jsonl", moto)
        with report_damage(state_dir / "messages.sqlite"):
            self._messages = Messages(state_dir / "messages.sqlite")

    def restore(self) -> None:
        """Restore all stored state into moto, buckets first: functions are created from objects in them.

        Raises :class:`StateDamaged`.
        """
        with report_damage(self._state_dir / "s3.sqlite"):
            self._objects.restore()
        with report_damage(self._state_dir / "journal.jsonl"):
            self._journal.replay()
        with report_damage(self._state_dir / "messages.sqlite"):
            self._messages.restore()

    @contextmanager
    def lock(self, service: str, environ: Environ, body: bytes) -> Iterator[int]:
        """Hold the lock for a change from moto's answer until it is stored, so that the stored order is moto's order.

        Yields the seed of the change's identifiers, which is stored with the change.
        """
        seed = secrets.randbits(64)
        name = self._lock_name(service, environ, body)
        if name is None:
            yield seed
            return
        with self._locks.hold(name), seeded_identifiers(seed):
            yield seed

    @staticmethod
    def _lock_name(service: str, environ: Environ, body: bytes) -> str | None:
        if service == "s3":
            bucket = bucket_changed_by(environ)
            return None if bucket is None else f"s3/{bucket}"
        return service if service not in NOT_JOURNALED and not is_read(environ, body) else None

    def save(self, service: str, region: str, environ: Environ, body: bytes, reply: Reply, seed: int) -> None:  # noqa: PLR0917
        """Store the change that a request answered by moto has made."""
        if not 200 <= reply.status < 300:
            return
        if service == "s3":
            self._objects.save(environ, body, reply)
        elif service not in NOT_JOURNALED and not is_read(environ, body):
            self._journal.append(region, environ, body, seed)
            if service not in WITHOUT_MESSAGES:
                self._messages.save()
