"""Keeps processes up, as systemd would: each in a session of its own, started again when it dies, logged to a file."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws.state import read_server

from .machine import kill_session

PAUSE_S = 0.5


class Part(Protocol):
    """A part of the deployment that can be killed and comes back."""

    name: str

    def start(self) -> None:
        """Start it; it does not run."""

    def is_alive(self) -> bool:
        """Whether it runs."""

    def is_up(self) -> bool:
        """Whether it does its work again: only then it is killed once more."""

    def kill(self) -> None:
        """SIGKILL, children included."""

    def end(self) -> None:
        """End it for good."""


@dataclass(slots=True)
class Process:
    """One command.

    answers   whether it answers, when that can be asked; else it counts as up after ``settle_s`` seconds
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    settle_s: float = 12.0
    answers: Callable[[], bool] | None = None
    stdin: bytes = b""
    _popen: subprocess.Popen[bytes] | None = None
    _since: float = 0.0

    def start(self) -> None:
        """Start it; its output goes to the end of the log."""
        with self.log.open("ab") as log:
            log.write(f"---- {time.strftime('%H:%M:%S')} {self.name} starts\n".encode())
            log.flush()
            self._popen = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.PIPE if self.stdin else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self._popen.stdin is not None:
            self._popen.stdin.write(self.stdin)
            self._popen.stdin.close()
        self._since = time.monotonic()

    def is_alive(self) -> bool:
        """Whether the command runs."""
        return self._popen is not None and self._popen.poll() is None

    def is_up(self) -> bool:
        """Whether it answers, or has been running for a while."""
        if not self.is_alive():
            return False
        return self.answers() if self.answers else time.monotonic() - self._since > self.settle_s

    def kill(self) -> None:
        """SIGKILL to its session."""
        if self._popen is not None:
            kill_session(self._popen.pid)
            self._popen.wait()

    def end(self) -> None:
        """The same: nothing of it is used afterwards."""
        self.kill()


@dataclass(slots=True)
class LocalAwsServer:
    """The embedded AWS.  Its jobs are processes of their own and go on while it is down, as AWS's would."""

    state_dir: Path
    name: str = "aws"

    def start(self) -> None:
        """The same port and key as before."""
        before = read_server(self.state_dir)
        aws = local_aws.start(self.state_dir)
        if before is not None and before.endpoint_url != aws.endpoint_url:
            raise RuntimeError(f"the embedded AWS came back as {aws.endpoint_url}, it was {before.endpoint_url}")

    def is_alive(self) -> bool:
        """Whether the server runs."""
        return local_aws.status(self.state_dir) is not None

    def is_up(self) -> bool:
        """The same: it is published once it answers."""
        return self.is_alive()

    def kill(self) -> None:
        """SIGKILL to the server alone."""
        aws = local_aws.status(self.state_dir)
        if aws is not None:
            os.kill(aws.pid, signal.SIGKILL)

    def end(self) -> None:
        """The server, and the jobs that are left."""
        local_aws.stop(self.state_dir)


@dataclass(slots=True)
class Supervisor:
    """All parts, in the order they start."""

    log: Callable[[str], None]
    parts: dict[str, Part] = field(default_factory=dict)
    restarts: int = 0
    held: set[str] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def add(self, part: Part) -> None:
        """Start ``part``, and keep it up from :meth:`watch` on."""
        part.start()
        self.parts[part.name] = part

    def watch(self) -> None:
        """Start again what dies, from now on."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE_S):
            for part in self.parts.values():
                with self._lock:
                    if self._over.is_set() or part.name in self.held or part.is_alive():
                        continue
                    self.restarts += 1
                    self.log(f"{part.name} is started again")
                    try:
                        part.start()
                    except Exception as error:
                        self.log(f"{part.name} did not start: {error}")

    def kill(self, name: str) -> None:
        """SIGKILL to a part; it is started again like any that dies."""
        with self._lock:
            self.log(f"kill {name}")
            self.parts[name].kill()

    def hold(self, names: Iterable[str]) -> None:
        """SIGKILL to parts that are not started again until :meth:`release`."""
        with self._lock:
            for name in names:
                self.held.add(name)
                self.log(f"{name} is away")
                self.parts[name].kill()

    def release(self) -> None:
        """Let everything be started again."""
        self.log(f"{', '.join(sorted(self.held))} may come back")
        self.held.clear()

    def end(self) -> None:
        """End everything, last started first."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(60)
        for part in reversed(self.parts.values()):
            part.end()
