"""What Ctrl-C, SIGTERM and a hang-up do to a run: the first one stops its jobs, the second one leaves at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any

from ..execution.local_executor import PipelineRun
from .terminal import clean, outliving_readers

CAUSES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "hang-up of the terminal"}
SHOW_CURSOR = "\x1b[?25h"  # rich hides it while a table is shown


class Ending:
    """Handles signals while it is entered, but outside of the main thread; nor does a reader that leaves end the run.

    caught   the first signal that came; 0 when none did
    """

    def __init__(self) -> None:
        self.caught = 0
        self._run: PipelineRun | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._again = ""
        self._before: dict[signal.Signals, Any] = {}
        self._printing = outliving_readers()

    def __enter__(self) -> Ending:
        self._printing.__enter__()
        with contextlib.suppress(ValueError):  # not the main thread
            for number in CAUSES:
                ignored = signal.getsignal(number) is signal.SIG_IGN
                if not (ignored and number == signal.SIGHUP):  # nohup; SIGINT is ignored behind a shell's "&"
                    self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._printing.__exit__(kind, error, trace)

    async def drive(self, run: PipelineRun, again: str = "") -> None:
        """Run ``run`` to its end, or to the first signal; ``again`` is the command that goes on with it."""
        self._run, self._loop, self._again = run, asyncio.get_running_loop(), again
        try:
            if self.caught:
                run.stop(CAUSES[signal.Signals(self.caught)])
            await run.run()
        finally:
            self._loop = None

    @property
    def exit_code(self) -> int:
        """As shells give it for a process that a signal ended; 0 when none came."""
        return 128 + self.caught if self.caught else 0

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        if self.caught:
            self._leave(number)
        self.caught = number
        cause = CAUSES[signal.Signals(number)]
        if self._loop is not None and self._run is not None:
            self._loop.call_soon_threadsafe(self._stop, cause)
        else:
            _write(f"{cause}: the run has ended, its record is being written. Once more leaves at once.")

    def _stop(self, cause: str) -> None:
        run = self._run
        if run is None or run.stop_cause:
            return
        jobs = ", ".join(run.unfinished_jobs().values()) or "no job"
        _write(f"{cause}: stopping {jobs}. Once more leaves at once and lets them go on.")
        run.stop(cause)

    def _leave(self, number: int) -> None:
        """End this process without waiting for anything; says which jobs go on."""
        jobs = self._run.unfinished_jobs() if self._run is not None else {}
        if jobs:
            named = ", ".join(f"{job} (step {step})" for step, job in jobs.items())
            _write(f"left at once. These jobs may go on, and AWS charges for them: {named}.")
        else:
            _write("left at once; no job of this run was running.")
        if self._again:
            _write(f"To go on with this run: {self._again}")
        if sys.stdout.isatty():
            os.write(1, SHOW_CURSOR.encode())
        os._exit(128 + number)


def _write(line: str) -> None:
    """A line on standard error, past all buffers: a signal may have come in the middle of a write."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, f"{clean(line)}\n".encode())
