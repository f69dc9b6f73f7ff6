"""What Ctrl-C, SIGTERM and a hang-up do to a run: the first one stops its jobs, the second one leaves at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any

from ..runs.observer import RunHandle
from .output.terminal import clean, outliving_readers

CAUSES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "hang-up of the terminal"}
SHOW_CURSOR = "\x1b[?25h"  # rich hides it while a table is shown


class Ending:
    """Handles signals while it is entered, but outside of the main thread; nor does a reader that leaves end the run.

    caught   the first signal that came; 0 when none did
    """

    def __init__(self) -> None:
        self.caught = 0
        self._run: RunHandle | None = None
        self._again = ""
        self._is_on = False
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

    def watch(self, run: RunHandle, again: str = "") -> None:
        """Stop ``run`` at the first signal; ``again`` is the command that resumes it."""
        self._run, self._again = run, again
        self._is_on = True
        if self.caught:
            run.stop(CAUSES[signal.Signals(self.caught)])

    def unwatch(self) -> None:
        """The run has ended: a signal has nothing to stop any more."""
        self._is_on = False

    @property
    def exit_code(self) -> int:
        """As shells give it for a process that a signal ended; 0 when none came."""
        return 128 + self.caught if self.caught else 0

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        if self.caught:
            self._leave(number)
        self.caught = number
        cause = CAUSES[signal.Signals(number)]
        if self._is_on and self._run is not None:
            self._stop(self._run, cause)
        else:
            _write(f"{cause}: the run has ended, its record is being written. Once more leaves at once.")

    @staticmethod
    def _stop(run: RunHandle, cause: str) -> None:
        if run.progress.stop_cause:
            return
        jobs = ", ".join(run.progress.unfinished_jobs().values()) or "no job"
        _write(f"{cause}: stopping {jobs}. Once more leaves at once and lets them go on.")
        run.stop(cause)

    def _leave(self, number: int) -> None:
        """End this process without waiting for anything; says which jobs go on."""
        jobs = self._run.progress.unfinished_jobs() if self._run is not None else {}
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
