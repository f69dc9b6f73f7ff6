"""Connections to the SQLite files of a state folder."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path


class Connection(sqlite3.Connection):
    """Closes itself when nobody uses it any more, as its thread may have ended; Python 3.13 warns otherwise."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # the file could not be opened
            self.close()


def connect(path: Path) -> Connection:
    """A connection that any thread may use, one at a time; writes are safe after a crash of the process."""
    made = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("PRAGMA synchronous=NORMAL")
    return made
