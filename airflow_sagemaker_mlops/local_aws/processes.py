"""Tells whether a process is still the one that was started: the system may have reused its pid since."""

from __future__ import annotations

import contextlib
import os
import signal
import time


def start_of(pid: int) -> int:
    """The start time of ``pid``, the same number for every caller; 0 if the process has ended.

    On Linux in kernel ticks since boot, which are independent of the clock; elsewhere in microseconds since the epoch.
    A zombie counts as ended.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0 if os.path.isdir("/proc/self") else create_time_us(pid)
    except (OSError, ProcessLookupError):
        return 0
    return 0 if fields[0] in ("Z", "X") else int(fields[19])


def create_time_us(pid: int) -> int:
    """The start time of ``pid`` in microseconds since the epoch; 0 if it has ended or is a zombie."""
    import psutil

    try:
        process = psutil.Process(pid)
        return 0 if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 1e6)
    except psutil.NoSuchProcess:
        return 0


def is_alive(pid: int, started: int) -> bool:
    """Whether ``pid`` is running and is the process that started at ``started``."""
    return pid > 0 and started != 0 and start_of(pid) == started


def end_group(pid: int, grace_s: float) -> None:
    """Send SIGTERM to the process group of ``pid``, and SIGKILL after ``grace_s`` seconds."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            if start_of(pid) == 0:
                break
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
