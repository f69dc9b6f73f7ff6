"""Connections to SQLite files close themselves, also those that were never open."""

from __future__ import annotations

import gc
import sqlite3
import threading
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.local_aws.sqlite import connect


def test_a_connection_is_closed_with_its_thread(tmp_path: Path) -> None:
    def use() -> None:
        connect(tmp_path / "store.sqlite").execute("CREATE TABLE t (a)")

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    gc.collect()  # warnings are errors here, and Python 3.13 warns of a connection that is not closed
    assert not list(tmp_path.glob("*-wal")), "SQLite deletes its log with the last connection"


def test_a_file_that_cannot_be_opened_is_one_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        connect(tmp_path / "missing" / "store.sqlite")
    gc.collect()
    assert capfd.readouterr().err == ""
