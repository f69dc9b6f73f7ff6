"""Jobs as processes: a folder and one detached supervisor a job.

``request.json`` (what was asked), ``status.json`` (how far it is, replaced atomically by the supervisor), ``stop`` (a
marker), ``log`` (what the container printed), ``opt_ml/`` (what the container sees as ``/opt/ml``).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import serving
from ..locks import NamedLocks
from ..processes import end_group, is_alive, start_of
from ..state import homes, write_private
from .status import FINISHED, first_status, note_supervisor, read, write

_CACHE: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
_CHILDREN: list[subprocess.Popen[bytes]] = []
_LOCK = threading.Lock()
_LAUNCHING = NamedLocks()


def prepare(job_dir: Path, ticket: Mapping[str, Any]) -> None:
    """Write a job's folder, all but its start; what a job left there that never came to be is replaced."""
    if job_dir.exists():
        shutil.rmtree(job_dir)
    job_dir.mkdir(parents=True)
    write_private(job_dir / "request.json", json.dumps(ticket))
    write(job_dir, first_status(job_dir))


def launch(job_dir: Path, program: str = "supervisor") -> None:
    """Start the supervisor (or tuner) of a job that has none yet; of racing callers one does."""
    with _LAUNCHING.hold(str(job_dir)):
        if read(job_dir).get("pid"):
            return
        with (job_dir / "supervisor.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", f"airflow_sagemaker_mlops.local_aws.job.{program}", str(job_dir)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        note_supervisor(job_dir, child.pid, start_of(child.pid))
    with _LOCK:
        _CHILDREN.append(child)


def read_status(job_dir: Path, program: str = "supervisor") -> dict[str, Any]:
    """The job's status.  A job that was never started is started; one whose supervisor is gone has failed."""
    _reap()
    status = _last_written(job_dir)
    if status["status"] in FINISHED:
        return status
    if not status.get("pid"):  # being made this moment, or the server died before it got this far
        launch(job_dir, program)
        status = read(job_dir)
    if not is_alive(status.get("pid", 0), status.get("pid_start", 0)):
        return _abandoned(job_dir)
    return {**status, "status": "Stopping"} if (job_dir / "stop").exists() else status


def _last_written(job_dir: Path) -> dict[str, Any]:
    """``status.json``, read again when it has changed."""
    stat = (job_dir / "status.json").stat()
    version = (stat.st_mtime_ns, stat.st_ino)
    kept = _CACHE.get(str(job_dir))
    if kept is None or kept[0] != version:
        kept = (version, read(job_dir))
        _CACHE[str(job_dir)] = kept
    return kept[1]


def _abandoned(job_dir: Path) -> dict[str, Any]:
    status = read(job_dir)  # its last word may have come a moment ago
    if status["status"] not in FINISHED:
        reason = "InternalServerError: the local job supervisor was killed"
        now = time.time()
        status |= {"status": "Failed", "failure_reason": reason, "end_time": now, "last_modified_time": now}
        if "secondary_status" in status:
            status["secondary_status"] = "Failed"
        _end_command(job_dir, status)
        write(job_dir, status)
    return status


def _end_command(job_dir: Path, status: Mapping[str, Any]) -> bool:
    """End what a supervisor has started, when it is not there to do so; ``False`` when nothing ran."""
    ran = serving.stop(job_dir / "server")
    child = int(status.get("child") or 0)
    if is_alive(child, status.get("child_start", 0)):
        end_group(child, 0.5)
        ran = True
    return ran


def request_stop(job_dir: Path) -> None:
    """Ask the job to stop; it gets SIGTERM, and SIGKILL after two minutes."""
    (job_dir / "stop").touch()
    status = read(job_dir)
    # A supervisor that is not ready yet would die of the signal; it looks for the marker itself.
    if status.get("ready") and is_alive(status.get("pid", 0), status.get("pid_start", 0)):
        os.kill(status["pid"], signal.SIGTERM)


def stop_all(state_dir: Path) -> int:
    """End every supervisor of a state folder at once, and every command without one; how many jobs that were."""
    ended = 0
    for path in (path for home in homes(state_dir) for path in sorted((home / "jobs").glob("*/*/status.json"))):
        status = read(path.parent)
        if status["status"] not in FINISHED and is_alive(status.get("pid", 0), status.get("pid_start", 0)):
            (path.parent / "stop").touch()
            end_group(status["pid"], 1.0)
            _end_command(path.parent, status)
            ended += 1
        elif _end_command(path.parent, status):
            ended += 1
    return ended


def _reap() -> None:
    """Collect supervisors that ended; a zombie would look alive to nobody but the kernel."""
    with _LOCK:
        _CHILDREN[:] = [child for child in _CHILDREN if child.poll() is None]
