"""SageMaker's resources on disk: one SQLite table, whose primary key makes names unique.

A resource is ``(family, region, name)`` with a JSON body.  Times are epoch seconds.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..json_types import AwsShape
from .sqlite import Connection, connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    family TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (family, region, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key));
"""


class NameTaken(Exception):
    """A resource of this family, region and name already exists."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One stored resource."""

    name: str
    created: float
    modified: float
    body: dict[str, Any]


class Store:
    """The resources of one state folder; safe for use by many threads and after a crash."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._db.executescript(_SCHEMA)

    @property
    def _db(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit all writes made inside, or none of them."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def insert(
        self, family: str, region: str, name: str, body: AwsShape, tags: Mapping[str, str] | None = None
    ) -> Resource:
        """Create a resource together with the tags of its ``arn``.

        Raises :class:`NameTaken`; exactly one of several concurrent callers succeeds.
        """
        now = time.time()
        row = (family, region, name, now, now, json.dumps(body))
        try:
            with self._transaction():
                self._db.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?)", row)
                self.tag(str(body.get("arn")), tags or {})
        except sqlite3.IntegrityError:
            raise NameTaken(name) from None
        return Resource(name, now, now, dict(body))

    def get(self, family: str, region: str, name: str) -> Resource | None:
        """A resource; ``None`` if there is none."""
        row = self._db.execute(
            "SELECT name, created, modified, body FROM resources WHERE family = ? AND region = ? AND name = ?",
            (family, region, name),
        ).fetchone()
        return _resource(row) if row else None

    def update(self, family: str, region: str, name: str, **changes: Any) -> None:
        """Change members of a resource's body in one transaction."""
        with self._transaction():
            found = self.get(family, region, name)
            if found is not None:
                body = json.dumps({**found.body, **changes})
                self._db.execute(
                    "UPDATE resources SET body = ?, modified = ? WHERE family = ? AND region = ? AND name = ?",
                    (body, time.time(), family, region, name),
                )

    def delete(self, family: str, region: str, name: str) -> bool:
        """Delete a resource and its tags; ``False`` if there was none."""
        with self._transaction():
            found = self.get(family, region, name)
            if found is not None:
                key = (family, region, name)
                self._db.execute("DELETE FROM resources WHERE family = ? AND region = ? AND name = ?", key)
                self._db.execute("DELETE FROM tags WHERE arn = ?", (str(found.body.get("arn")),))
        return found is not None

    def all(self, family: str, region: str) -> list[Resource]:
        """Every resource of a family, oldest first."""
        rows = self._db.execute(
            "SELECT name, created, modified, body FROM resources WHERE family = ? AND region = ?"
            " ORDER BY created, name",
            (family, region),
        )
        return [_resource(row) for row in rows]

    def regions(self, family: str) -> list[str]:
        """The regions that have resources of a family."""
        rows = self._db.execute("SELECT DISTINCT region FROM resources WHERE family = ? ORDER BY region", (family,))
        return [region for (region,) in rows]

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a resource."""
        return dict(self._db.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn,)))

    def tagged(self) -> dict[str, dict[str, str]]:
        """{ARN: tags} of every resource that has tags."""
        found: dict[str, dict[str, str]] = {}
        for arn, key, value in self._db.execute("SELECT arn, key, value FROM tags ORDER BY arn, key"):
            found.setdefault(arn, {})[key] = value
        return found

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add or replace tags."""
        self._db.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", [(arn, k, v) for k, v in tags.items()])

    def untag(self, arn: str, keys: list[str]) -> None:
        """Remove tags."""
        self._db.executemany("DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in keys])


def _resource(row: tuple[str, float, float, str]) -> Resource:
    return Resource(row[0], row[1], row[2], json.loads(row[3]))
