"""Jobs as processes: each job has a folder and a detached supervisor.

The folder contains ``request.json`` (the request), ``status.json`` (the status, which the supervisor replaces
atomically), ``stop`` (a marker), ``log`` (the container's output) and ``opt_ml/`` (``/opt/ml`` of the container).
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
from pathlib import Path
from typing import Any

from ...json_types import AwsShape
from .. import serving
from ..locks import NamedLocks
from ..processes import end_group, is_alive, start_of
from ..state import region_folders, write_private
from .status import FINISHED, first_status, read, record_supervisor, write

_CACHE: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
_SUPERVISORS: list[subprocess.Popen[bytes]] = []
_LOCK = threading.Lock()
_LAUNCHING = NamedLocks()


def prepare(job_dir: Path, job_data: AwsShape) -> None:
    """Create the folder of a job without starting it; replaces the folder of a job whose creation was interrupted."""
    if job_dir.exists():
        shutil.rmtree(job_dir)
    job_dir.mkdir(parents=True)
    write_private(job_dir / "request.json", json.dumps(job_data))
    write(job_dir, first_status(job_dir))


def launch(job_dir: Path, program: str = "supervisor") -> None:
    """Start the supervisor (or tuner) of a job that has none yet; only one of several concurrent callers starts it."""
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
        record_supervisor(job_dir, child.pid, start_of(child.pid))
    with _LOCK:
        _SUPERVISORS.append(child)


def read_status(job_dir: Path, program: str = "supervisor") -> dict[str, Any]:
    """The job's status.  Starts a job that was never started; a job whose supervisor has died has failed."""
    _reap()
    status = _last_written(job_dir)
    if status["status"] in FINISHED:
        return status
    if not status.get("pid"):  # the job is being created now, or the server died before it started the supervisor
        launch(job_dir, program)
        status = read(job_dir)
    if not is_alive(status.get("pid", 0), status.get("pid_start", 0)):
        return _abandoned(job_dir)
    return {**status, "status": "Stopping"} if (job_dir / "stop").exists() else status


def _last_written(job_dir: Path) -> dict[str, Any]:
    """``status.json``, which is read again only if it has changed."""
    stat = (job_dir / "status.json").stat()
    version = (stat.st_mtime_ns, stat.st_ino)
    cached = _CACHE.get(str(job_dir))
    if cached is None or cached[0] != version:
        cached = (version, read(job_dir))
        _CACHE[str(job_dir)] = cached
    return cached[1]


def _abandoned(job_dir: Path) -> dict[str, Any]:
    status = read(job_dir)  # the supervisor may have just written its last status
    if status["status"] not in FINISHED:
        reason = "InternalServerError: the local job supervisor was killed"
        now = time.time()
        status |= {"status": "Failed", "failure_reason": reason, "end_time": now, "last_modified_time": now}
        if "secondary_status" in status:
            status["secondary_status"] = "Failed"
        _end_command(job_dir, status)
        write(job_dir, status)
    return status


def _end_command(job_dir: Path, status: AwsShape) -> bool:
    """Stop the processes of a supervisor that has died; ``False`` if none were running."""
    ran = serving.stop(job_dir / "server")
    child = int(status.get("child") or 0)
    if is_alive(child, status.get("child_start", 0)):
        end_group(child, 0.5)
        ran = True
    return ran


def request_stop(job_dir: Path) -> None:
    """Ask the job to stop: its command gets SIGTERM, and SIGKILL after two minutes."""
    (job_dir / "stop").touch()
    status = read(job_dir)
    # The signal would kill a supervisor that is not ready yet; such a supervisor checks for the marker itself.
    if status.get("ready") and is_alive(status.get("pid", 0), status.get("pid_start", 0)):
        os.kill(status["pid"], signal.SIGTERM)


def stop_all(state_dir: Path) -> int:
    """Stop every supervisor of a state folder, and every command without one; returns the number of jobs stopped."""
    ended = 0
    for path in (
        path
        for region_folder in region_folders(state_dir)
        for path in sorted((region_folder / "jobs").glob("*/*/status.json"))
    ):
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
    """Reap the supervisors that have ended, so that they do not remain as zombies."""
    with _LOCK:
        _SUPERVISORS[:] = [child for child in _SUPERVISORS if child.poll() is None]
