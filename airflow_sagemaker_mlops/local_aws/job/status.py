"""``status.json``, the status of a job: read and replaced as a whole."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FINISHED = frozenset({"Completed", "Failed", "Stopped"})
MAX_REASON = 1024


def first_status(job_dir: Path) -> dict[str, Any]:
    """The status of a job before its supervisor runs."""
    now = time.time()
    status: dict[str, Any] = {"status": "InProgress", "last_modified_time": now}
    if job_dir.parent.name == "training":
        status["secondary_status"] = "Starting"
        status["transitions"] = [{"Status": "Starting", "StartTime": now, "StatusMessage": "Starting the training job"}]
    return status


def read(job_dir: Path) -> dict[str, Any]:
    """The last written status; if the file is damaged, the status of a failed job."""
    path = job_dir / "status.json"
    try:
        data = json.loads(path.read_text())
        if isinstance(data, dict) and isinstance(data["status"], str):
            return data
        why = "it is not a status"
    except (ValueError, KeyError) as error:
        why = str(error)
    at = path.stat().st_mtime
    reason = f"InternalServerError: {path} is damaged ({why})"
    return {"status": "Failed", "failure_reason": reason[:MAX_REASON], "last_modified_time": at, "end_time": at}


def write(job_dir: Path, status: Mapping[str, object]) -> None:
    """Replace the status atomically."""
    temporary = job_dir / f"status.{os.getpid()}.{threading.get_ident()}.tmp"
    temporary.write_text(json.dumps(status))
    os.replace(temporary, job_dir / "status.json")


@contextmanager
def _claim(job_dir: Path) -> Iterator[dict[str, Any]]:
    """Lock the job against other processes that claim it; yields its status."""
    with open(job_dir / "claim", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield read(job_dir)


def record_supervisor(job_dir: Path, pid: int, pid_start: int) -> None:
    """Record the process that the job was given to, unless a supervisor has claimed it already."""
    with _claim(job_dir) as status:
        if not status.get("pid"):
            write(job_dir, {**status, "pid": pid, "pid_start": pid_start})


class AlreadyClaimed(Exception):
    """Another supervisor has claimed the job."""


class StatusFile:
    """The supervisor's access to the status; every change is one write.

    Creating one sets ``ready``: from then on the supervisor handles SIGTERM.  Raises :class:`AlreadyClaimed` if another
    supervisor has claimed the job: a server that is killed right after starting a supervisor may start a second one
    after its own restart.
    """

    def __init__(self, job_dir: Path, pid: int, pid_start: int) -> None:
        self._dir = job_dir
        self._lock = threading.Lock()
        with _claim(job_dir) as status:
            if status.get("ready"):
                raise AlreadyClaimed(job_dir.name)
            self.current = {**status, "pid": pid, "pid_start": pid_start, "ready": True}
            self.change()

    def change(self, **changes: Any) -> None:
        """Set members and the time of the change; a new ``secondary_status`` also adds a transition."""
        with self._lock:
            now = time.time()
            phase = changes.get("secondary_status")
            if phase is not None and "transitions" in self.current and phase != self.current["secondary_status"]:
                transitions = [dict(step) for step in self.current["transitions"]]
                transitions[-1]["EndTime"] = now
                message = changes.pop("message", phase)
                transitions.append({"Status": phase, "StartTime": now, "StatusMessage": message})
                changes["transitions"] = transitions
            changes.pop("message", None)
            if "secondary_status" not in self.current:
                changes.pop("secondary_status", None)
            if changes.get("failure_reason"):
                changes["failure_reason"] = changes["failure_reason"][:MAX_REASON]
            self.current = {**self.current, **changes, "last_modified_time": now}
            write(self._dir, self.current)
