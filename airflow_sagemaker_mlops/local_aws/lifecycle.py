"""Starts and stops the server process of a state folder."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import job, serving
from .processes import is_alive
from .state import (
    DAMAGED,
    LocalAws,
    Sandbox,
    StateDamaged,
    read_config,
    read_server,
    write_private,
)

STOPPED = "stopped"  # a marker file: the last server was stopped and did not die
_OF_A_SERVER = frozenset({"server.json", "server.err", "store.sqlite", "journal.jsonl"})  # one of them, once it ran
_SERVERS: list[subprocess.Popen[bytes]] = []  # servers outlive us; a reference avoids Popen's ResourceWarning


def _check_dependencies() -> None:
    """Raise ``ModuleNotFoundError`` here for an import that the server lacks; its log alone would hide the error."""
    for name in ("moto", "werkzeug", "flask"):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(
                f"the embedded AWS needs {name}, which is not installed: pip install 'airflow-sagemaker-mlops[local]'",
                name=name,
            )


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(state_dir / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def status(state_dir: Path) -> LocalAws | None:
    """The running server of ``state_dir``; ``None`` when none runs."""
    aws = read_server(state_dir)
    return aws if aws is not None and is_alive(aws.pid, aws.pid_start) else None


def was_stopped(state_dir: Path) -> bool:
    """Whether the last server of ``state_dir`` was stopped and did not die."""
    return (state_dir / STOPPED).exists()


def start(
    state_dir: Path,
    *,
    port: int = 0,
    region: str = "us-east-1",
    sandbox: Sandbox = "auto",
    timeout_s: float = 300.0,  # imports take a minute on a machine with much other work
) -> LocalAws:
    """The server of ``state_dir``, started if none runs.  Two concurrent callers get the same server.

    A restarted server keeps its keys, and its port if that is still free.
    Raises :class:`StateDamaged`, or ``RuntimeError`` with the end of the server's log if it does not start within
    ``timeout_s``.
    """
    state_dir = state_dir.absolute()
    with _locked(state_dir):
        running = status(state_dir)
        if running is not None:
            return running
        _check_dependencies()
        (state_dir / STOPPED).unlink(missing_ok=True)
        previous = read_server(state_dir)
        write_private(state_dir / "config.json", json.dumps({**read_config(state_dir), "sandbox": sandbox}))
        settings = {
            "port": port or (int(previous.endpoint_url.rpartition(":")[2]) if previous else 0),
            "region": previous.region if previous else region,
            "access_key": previous.access_key if previous else f"LOCAL{secrets.token_hex(8).upper()}",
            "secret_key": previous.secret_key if previous else secrets.token_urlsafe(24),
        }
        log = (state_dir / "server.err").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow_sagemaker_mlops.local_aws.server", str(state_dir)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        _SERVERS.append(process)
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin:  # a server that has already exited says why in its log
            process.stdin.write(json.dumps(settings).encode())
        return _wait_until_up(state_dir, process, timeout_s)


def _wait_until_up(state_dir: Path, process: subprocess.Popen[bytes], timeout_s: float) -> LocalAws:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        aws = read_server(state_dir)
        if aws is not None and aws.pid == process.pid:
            return aws
        time.sleep(0.05)
    exited = process.poll() is not None
    process.kill()
    end = (state_dir / "server.err").read_text(errors="replace")[-2000:]
    if process.wait() == DAMAGED:
        raise StateDamaged(end.strip().rpartition("\n")[2])
    what = "ended while it was starting" if exited else f"did not start within {timeout_s:.0f} s"
    raise RuntimeError(f"the embedded AWS {what}:\n{end}")


def _running_server(state_dir: Path) -> LocalAws | None:
    """The running server; ``None`` when none runs or its file is damaged, which must not prevent a reset."""
    with suppress(StateDamaged):
        return status(state_dir)
    return None


def _is_damaged(state_dir: Path) -> bool:
    try:
        read_server(state_dir)
        read_config(state_dir)
    except StateDamaged:
        return True
    return False


def stop(state_dir: Path) -> bool:
    """Stop the server, its jobs and its endpoints; ``False`` if nothing was running."""
    state_dir = state_dir.absolute()
    if not state_dir.exists():
        return False
    with _locked(state_dir):
        running = _running_server(state_dir)
        if running is not None:
            (state_dir / STOPPED).touch()
            os.kill(running.pid, signal.SIGTERM)
            deadline = time.monotonic() + 10
            while is_alive(running.pid, running.pid_start) and time.monotonic() < deadline:
                time.sleep(0.05)
            if is_alive(running.pid, running.pid_start):
                os.kill(running.pid, signal.SIGKILL)
        jobs = job.stop_all(state_dir)
        endpoints = serving.stop_all(state_dir)
        return running is not None or jobs > 0 or endpoints > 0


def _refuse_foreign(state_dir: Path) -> None:
    there = {entry.name for entry in state_dir.iterdir()} - {".lock", STOPPED, "config.json", "faults.json"}
    if there and not there & _OF_A_SERVER:
        raise RuntimeError(
            f"{state_dir} has {', '.join(sorted(there)[:3])} and no state of the embedded AWS, so it is not reset: "
            "that would delete all files in it. Name another folder."
        )


def reset(state_dir: Path) -> None:
    """Delete all state except the configuration; the server must not be running.

    Raises ``RuntimeError`` if it is, or if the folder has files and none of the embedded AWS.
    """
    state_dir = state_dir.absolute()
    if not state_dir.exists():
        return
    _refuse_foreign(state_dir)
    with _locked(state_dir):
        if _running_server(state_dir) is not None:
            raise RuntimeError(f"the embedded AWS in {state_dir} is running; stop it first.")
        preserved = (".lock",) if _is_damaged(state_dir) else (".lock", "config.json", "server.json")
        for entry in state_dir.iterdir():
            if entry.name in preserved:
                continue
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
