"""The drill's requirements on the machine: PostgreSQL's and Redis' programs, free ports, process sessions."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DEBIAN = "/usr/lib/postgresql"
PACKAGES = {"postgres": "postgresql", "redis-server": "redis-server"}
# Below the kernel's ephemeral ports, so that a killed process finds its port free when it restarts.
PORTS = range(20000, 32000)


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Simulate other work on the machine with ``count`` busy processes."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


class Missing(RuntimeError):
    """The machine lacks something; the text says what to do."""


def program(name: str) -> str:
    """Path of ``initdb``, ``postgres``, ``redis-server``: Debian keeps PostgreSQL's off the PATH.

    Raises :class:`Missing`.
    """
    debian = sorted(Path(DEBIAN).glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed; on Debian it comes with {PACKAGES.get(name, 'postgresql')}.")
    return found


def install_services() -> None:
    """Install the Debian packages that are missing.  Raises :class:`Missing` if that is impossible."""
    absent = []
    for name, package in PACKAGES.items():
        try:
            program(name)
        except Missing:
            absent.append(package)
    if not absent:
        return
    by_hand = f"Install manually: apt-get install {' '.join(absent)}"
    if shutil.which("apt-get") is None:
        raise Missing(f"The drill needs {' and '.join(absent)}, and there is no apt-get here. {by_hand}")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and shutil.which("sudo") is None:
        raise Missing(f"The drill needs {' and '.join(absent)}, and you are not root. {by_hand}")
    install = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"]
    print(f"Installing {' and '.join(absent)} ...", flush=True)
    for command in ([*sudo, "apt-get", "update", "-q"], [*install, *absent]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{done.stderr[-500:]}\n{by_hand}")


def as_user(name: str) -> list[str]:
    """The command prefix that runs a command as the system user ``name``; empty unless we are root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv"):
        return ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups"]
    return ["runuser", "-u", name, "--"]


def free_ports(count: int) -> list[int]:
    """Unused ports of 127.0.0.1."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise Missing("There are no free ports.")


def session(leader: int) -> list[int]:
    """Every live process of the session of ``leader``, including ``leader``.

    Tasks of a worker have their own process groups, but share its session.
    """
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found


def kill_session(leader: int) -> int:
    """Send SIGKILL to the whole session, as when a container is removed; returns the number of processes."""
    killed = 0
    while members := session(leader):
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    return killed
