"""Handles Ctrl-C, SIGTERM and SIGHUP: the first stops the jobs of a run or ends a command, the second exits at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from ..runs.observer import RunHandle
from .output.terminal import clean, outliving_readers

CAUSES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "hang-up of the terminal"}
SHOW_CURSOR = "\x1b[?25h"  # rich hides the cursor while it shows a table


class Interrupted(KeyboardInterrupt):
    """A signal ended a command."""

    def __init__(self, number: int) -> None:
        super().__init__(CAUSES[signal.Signals(number)])
        self.exit_code = 128 + number


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise :class:`Interrupted` at the first signal, so that the code inside cleans up; the second exits at once."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for other in before:
            signal.signal(other, lambda again, _frame: os._exit(128 + again))
        raise Interrupted(number)

    before: dict[signal.Signals, Any] = {}
    try:
        with contextlib.suppress(ValueError):  # not the main thread
            for number in CAUSES:
                ignored = signal.getsignal(number) is signal.SIG_IGN
                if not (ignored and number == signal.SIGHUP):  # as in Ending
                    before[number] = signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Ending:
    """Handles signals within its context, in the main thread only.  A broken pipe does not end the run.

    caught   the first signal received; 0 if there was none
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
                if not (ignored and number == signal.SIGHUP):  # nohup ignores SIGHUP; a shell ignores SIGINT for "&"
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
        """The run has ended, so a signal has nothing left to stop."""
        self._is_on = False

    @property
    def exit_code(self) -> int:
        """The exit code that shells report for a process ended by the signal; 0 if there was none."""
        return 128 + self.caught if self.caught else 0

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        if self.caught:
            self._leave(number)
        self.caught = number
        cause = CAUSES[signal.Signals(number)]
        if self._is_on and self._run is not None:
            self._stop(self._run, cause)
        else:
            _write(f"{cause}: the run has ended and its record is being written. Repeat to exit at once.")

    @staticmethod
    def _stop(run: RunHandle, cause: str) -> None:
        if run.progress.stop_cause:
            return
        jobs = ", ".join(run.progress.unfinished_jobs().values()) or "no job"
        _write(f"{cause}: stopping {jobs}. Repeat to exit at once and leave them running.")
        run.stop(cause)

    def _leave(self, number: int) -> None:
        """Exit without waiting for anything; names the jobs that keep running."""
        jobs = self._run.progress.unfinished_jobs() if self._run is not None else {}
        if jobs:
            named = ", ".join(f"{job} (step {step})" for step, job in jobs.items())
            _write(f"exited at once. These jobs may still be running, and AWS charges for them: {named}.")
        else:
            _write("exited at once; no job of this run was running.")
        if self._again:
            _write(f"To resume this run: {self._again}")
        if sys.stdout.isatty():
            os.write(1, SHOW_CURSOR.encode())
        os._exit(128 + number)


def _write(line: str) -> None:
    """Write to standard error, bypassing all buffers: the signal may have interrupted a write."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, f"{clean(line)}\n".encode())
