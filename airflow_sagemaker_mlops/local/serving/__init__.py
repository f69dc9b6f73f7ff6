"""Model servers as processes: one detached supervisor a folder, serving on a free port of 127.0.0.1."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ..processes import end_group, is_alive, start_of

_CHILDREN: list[subprocess.Popen[bytes]] = []


def launch(folder: Path, containers: list[dict[str, Any]], env: dict[str, str]) -> None:
    """Start serving the model of ``containers``; returns at once."""
    (folder / "request.json").write_text(json.dumps({"containers": containers, "env": env}))
    _start(folder)


def _start(folder: Path) -> None:
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "airflow_sagemaker_mlops.local.serving.supervisor", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    write(folder, {"status": "Creating", "pid": child.pid, "pid_start": start_of(child.pid)})
    _CHILDREN.append(child)


def read_status(folder: Path) -> dict[str, Any]:
    """``{"status": "Creating" | "InService" | "Failed", "port", "failure_reason", "last_modified_time"}``."""
    _CHILDREN[:] = [child for child in _CHILDREN if child.poll() is None]
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
    return {**base, "failure_reason": None, **json.loads(path.read_text())}


def write(folder: Path, state: dict[str, Any]) -> None:
    """Replace a server's status."""
    temporary = folder / "status.json.tmp"
    temporary.write_text(json.dumps({**state, "last_modified_time": time.time()}))
    temporary.replace(folder / "status.json")


def ensure(folder: Path, timeout_s: float = 60.0) -> dict[str, Any]:
    """The server's state, after starting it again when it had died (a reboot, a crash)."""
    state = read_status(folder)
    if state["status"] == "InService" and not is_alive(state["pid"], state["pid_start"]):
        _start(folder)
        deadline = time.monotonic() + timeout_s
        while (state := read_status(folder))["status"] == "Creating" and time.monotonic() < deadline:
            time.sleep(0.05)
    return state


def stop(folder: Path) -> bool:
    """End a server; ``False`` when it did not run."""
    state = _read(folder)
    if not is_alive(state["pid"], state.get("pid_start", 0)):
        return False
    end_group(state["pid"], 1.0)
    return True


def stop_all(state_dir: Path) -> int:
    """End every endpoint's server of a state folder."""
    return sum(stop(path.parent) for path in sorted((state_dir / "endpoints").glob("*/*/status.json")))
