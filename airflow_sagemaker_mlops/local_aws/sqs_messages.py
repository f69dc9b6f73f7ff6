"""Stores the messages in SQS queues on disk, whoever sent them, until they are deleted."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .moto_backend import QueuedMessage, queue_message, queued_messages
from .sqlite import connect

_TABLE = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY, id TEXT UNIQUE, region TEXT, queue TEXT, sent INTEGER, members TEXT);
"""


class Messages:
    """The messages of one state folder."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = connect(path)
        self._db.executescript(_TABLE)
        self._saved = {name for (name,) in self._db.execute("SELECT id FROM messages")}

    def restore(self) -> None:
        """Restore the messages into moto's queues.  All become visible, including those received but not deleted."""
        rows = self._db.execute("SELECT id, region, queue, sent, members FROM messages ORDER BY seq").fetchall()
        for name, region, queue, sent, members in rows:
            queue_message(QueuedMessage(name, region, queue, sent, json.loads(members, object_hook=_decoded)))
        self.save()

    def save(self) -> None:
        """Store the messages that were added and remove those that were deleted since the last call."""
        with self._lock:
            found = dict(queued_messages())
            deleted = self._saved - found.keys()
            added = [describe() for name, describe in found.items() if name not in self._saved]
            self._db.execute("BEGIN")
            self._db.executemany("DELETE FROM messages WHERE id = ?", [(name,) for name in deleted])
            rows = [(m.id, m.region, m.queue, m.sent, json.dumps(m.members, default=_encoded)) for m in added]
            self._db.executemany("INSERT INTO messages (id, region, queue, sent, members) VALUES (?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")
            self._saved = set(found)


def _encoded(value: bytes) -> dict[str, str]:
    return {"bytes": base64.b64encode(value).decode()}


def _decoded(value: Mapping[str, str]) -> Any:
    return base64.b64decode(value["bytes"]) if value.keys() == {"bytes"} else value
