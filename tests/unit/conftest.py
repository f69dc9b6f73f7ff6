"""Tests of this folder start no process and open no connection: an attempt fails the test, whatever makes it."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_sagemaker_mlops.execution.watch import poller

PROCESSES = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
REFUSED = PROCESSES | {"socket.connect", "socket.bind"}
_RUNNING: list[str] = []
# Airflow's import of it runs `file` on the interpreter, which no test asked for
importlib.import_module("croniter")


def _refuse(event: str, _details: tuple[Any, ...]) -> None:
    if _RUNNING and event in REFUSED:
        pytest.fail(
            f"{event}: tests in tests/unit start no process and open no connection; this is one for tests/embedded"
        )


sys.addaudithook(_refuse)  # for the life of the process: Python has no way to take one off


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest) -> Iterator[None]:
    _RUNNING.append(request.node.nodeid)
    yield
    _RUNNING.clear()


@pytest.fixture(autouse=True, scope="session")
def no_flushes() -> Iterator[None]:
    """No test outlives a power failure, so none waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: None)
        yield


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops that ask again ask at once, however long they would pause; they ask as often and in the same order."""
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(min(seconds, 0.005)))
    monkeypatch.setattr(poller, "FASTEST_S", 0.005)
