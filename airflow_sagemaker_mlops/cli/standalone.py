"""``airflow standalone`` in a process of its own, with a scheduler that comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

SCHEDULER = "scheduler"


class Standalone:
    """All parts of Airflow, in the session of one child process.

    A race in the database can end Airflow's scheduler (apache/airflow#63926).  A production deployment starts it
    again; ``airflow standalone`` continues without one, and no task would ever start.

    :param environment: of all processes
    :param log: file to which they append their output
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self.process = self._start("standalone")
        self._scheduler: psutil.Process | None = None
        self._started_again: list[subprocess.Popen[bytes]] = []

    def has_ended(self, wait_s: float = 0.0) -> bool:
        """Whether standalone itself has ended, after waiting for it at most ``wait_s`` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(wait_s)
        return self.process.poll() is not None

    def keep_scheduler(self) -> bool:
        """Start the scheduler again if it has ended; whether that was so.  Call it every few seconds."""
        if self._started_again:
            if self._started_again[-1].poll() is None:
                return False
        elif self._scheduler is None:
            self._scheduler = self._found()
            return False
        elif _is_alive(self._scheduler):
            return False
        self._started_again.append(self._start(SCHEDULER))
        return True

    def end(self, grace_s: float = 15.0) -> None:
        """End all processes."""
        for process in (self.process, *self._started_again):
            end_session(process, grace_s)

    def _start(self, part: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as written:
            return subprocess.Popen(
                [sys.executable, "-m", "airflow", part],
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )

    def _found(self) -> psutil.Process | None:
        """The scheduler among standalone's children; ``None`` before it is there."""
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children():
                with contextlib.suppress(psutil.Error):
                    if child.cmdline()[-1:] == [SCHEDULER]:
                        return child
        return None


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def end_session(process: subprocess.Popen[bytes], grace_s: float = 15.0) -> None:
    """End the leader of a session and all its processes, because some survive an interrupt of their parent."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    for pid in _session(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _session(leader: int) -> list[int]:
    """Every process in the session of ``leader``."""
    answer = subprocess.run(["ps", "-eo", "pid=,sess="], capture_output=True, text=True, check=False)
    rows = (line.split() for line in answer.stdout.splitlines())
    return [int(row[0]) for row in rows if len(row) == 2 and row[1] == str(leader) and int(row[0]) != os.getpid()]
