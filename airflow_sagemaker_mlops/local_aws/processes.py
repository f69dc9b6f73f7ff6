"""Is this process still the one we started?  A number alone may have been given to another since."""

from __future__ import annotations

import contextlib
import os
import signal
import time


def start_of(pid: int) -> int:
    """When ``pid`` was started, the same number in every process that asks; 0 when it is gone.

    On Linux in the kernel's ticks since boot, which setting the clock does not move; elsewhere in microseconds since
    the epoch.  A zombie counts as gone.
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
    """When ``pid`` was started, in microseconds since the epoch; 0 when it is gone or a zombie."""
    import psutil

    try:
        process = psutil.Process(pid)
        return 0 if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 1e6)
    except psutil.NoSuchProcess:
        return 0


def is_alive(pid: int, started: int) -> bool:
    """Whether ``pid`` is the process that began at ``started``."""
    return pid > 0 and started != 0 and start_of(pid) == started


def end_group(pid: int, grace_s: float) -> None:
    """SIGTERM to the process group of ``pid``, SIGKILL after ``grace_s`` seconds."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            if start_of(pid) == 0:
                break
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
