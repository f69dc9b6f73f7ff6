"""Model servers as processes: one detached supervisor per folder, serving on a free port of 127.0.0.1."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..locks import NamedLocks
from ..processes import end_group, is_alive, start_of
from ..state import region_folders, write_private

_SUPERVISORS: list[subprocess.Popen[bytes]] = []
_STARTING = NamedLocks()
_USED: Counter[str] = Counter()
_UNUSED = threading.Condition()
DRAIN_S = 60.0  # the longest invocation
KEY_HEADER = "X-Sagemaker-Mlops-Key"  # a server answers only callers that can read its status file


@dataclass(frozen=True, slots=True)
class Answer:
    """A model server's answer."""

    status: int
    content_type: str
    content: bytes


def launch(folder: Path, containers: list[dict[str, Any]], env: dict[str, str]) -> None:
    """Start to serve the model of ``containers``; returns at once."""
    stop(folder)
    if folder.exists():  # remove the files of an earlier model
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    write_private(folder / "request.json", json.dumps({"containers": containers, "env": env}))
    _start(folder)


def _start(folder: Path) -> None:
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "airflow_sagemaker_mlops.local_aws.serving.supervisor", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with _claim(folder):
        if _read(folder)["pid"] != child.pid:  # unless the supervisor has written a later status already
            _write(folder, {"status": "Creating", "pid": child.pid, "pid_start": start_of(child.pid)})
    _SUPERVISORS.append(child)


def read_status(folder: Path) -> dict[str, Any]:
    """``{"status": "Creating" | "InService" | "Failed", "port", "key", "failure_reason", "last_modified_time"}``."""
    _SUPERVISORS[:] = [child for child in _SUPERVISORS if child.poll() is None]
    state = _read(folder)
    if state["status"] == "Creating" and not is_alive(state["pid"], state["pid_start"]):
        state = _read(folder)
        if state["status"] == "Creating":
            return {**state, "status": "Failed", "failure_reason": "the model server was killed"}
    return state


def _read(folder: Path) -> dict[str, Any]:
    base: dict[str, Any] = {"status": "Failed", "port": None, "failure_reason": "it was never started", "pid": 0}
    path = folder / "status.json"
    if not path.exists():
        return base
    try:
        return {**base, "failure_reason": None, **json.loads(path.read_text())}
    except (ValueError, TypeError) as error:
        return {**base, "failure_reason": f"{path} is damaged ({error})"}


def write(folder: Path, state: Mapping[str, object]) -> None:
    """Replace the status of a server."""
    with _claim(folder):
        _write(folder, state)


def _write(folder: Path, state: Mapping[str, object]) -> None:
    write_private(folder / "status.json", json.dumps({**state, "last_modified_time": time.time()}))


@contextmanager
def _claim(folder: Path) -> Iterator[None]:
    """Lock the status against other processes."""
    with open(folder / "claim", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_running(folder: Path, timeout_s: float = 60.0) -> dict[str, Any]:
    """The state of a server, which is started again if it has died (a reboot, a crash)."""
    state = read_status(folder)
    if state["status"] != "InService" or is_alive(state["pid"], state["pid_start"]):
        return state
    with _STARTING.hold(str(folder)):
        state = read_status(folder)
        if state["status"] == "InService" and not is_alive(state["pid"], state["pid_start"]):
            stop(folder)  # the model may still run without its supervisor
            _start(folder)
    deadline = time.monotonic() + timeout_s
    while (state := read_status(folder))["status"] == "Creating" and time.monotonic() < deadline:
        time.sleep(0.05)
    return state


def invoke(state: Mapping[str, Any], body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answer:
    """Send a request to the server of ``state``.  Raises ``OSError`` or ``HTTPException`` if it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", int(state["port"]), timeout=timeout_s)
    try:
        connection.request("POST", "/invocations", body, {**headers, KEY_HEADER: str(state.get("key"))})
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheader("Content-Type") or "", answer.read())
    finally:
        connection.close()


@contextmanager
def used(folder: Path) -> Iterator[None]:
    """Keep :func:`retire` from stopping a server."""
    with _UNUSED:
        _USED[str(folder)] += 1
    try:
        yield
    finally:
        with _UNUSED:
            _USED[str(folder)] -= 1
            if not _USED[str(folder)]:
                del _USED[str(folder)]
            _UNUSED.notify_all()


def retire(folder: Path) -> None:
    """Stop a server once nobody uses it any more; returns at once."""

    def drained() -> None:
        with _UNUSED:
            _UNUSED.wait_for(lambda: str(folder) not in _USED, DRAIN_S)
        stop(folder)

    threading.Thread(target=drained, name="retire", daemon=True).start()


def stop(folder: Path) -> bool:
    """Stop a server, even if its supervisor was killed; ``False`` if it was not running."""
    state, ran = _read(folder), False
    for process in ("pid", "child"):
        number = int(state.get(process) or 0)
        if is_alive(number, state.get(f"{process}_start", 0)):
            with suppress(ProcessLookupError):
                end_group(os.getpgid(number), 1.0)
            ran = True
    return ran


def stop_all(state_dir: Path) -> int:
    """Stop the servers of all endpoints of a state folder; returns their number."""
    folders = [
        path.parent
        for region_folder in region_folders(state_dir)
        for path in sorted(region_folder.glob("endpoints/*/*/status.json"))
    ]
    return sum(stop(folder) for folder in folders)
