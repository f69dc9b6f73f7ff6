"""Runs a prepared run to its end on an event loop in a separate thread, because a notebook's main thread has one."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Event, Thread
from typing import Any

from ..execution.local_executor import StepProgress
from .local_aws_guard import guarded
from .observer import RunHandle, RunObserver

INTERRUPTED = "interrupted"
AWAKE_EVERY_S = 0.5


class Notifier:
    """Notifies an observer of steps; its first exception stops the run instead of being lost in the event loop."""

    def __init__(self, observer: RunObserver) -> None:
        self._observer = observer
        self._stop: Callable[[str], None] = lambda _cause: None
        self.error: Exception | None = None

    def stops(self, run: RunHandle) -> None:
        """Make an exception of the observer stop ``run``."""
        self._stop = run.stop

    def notify(self, step: StepProgress, line: str) -> None:
        """The callback for ``PipelineRun.notify``."""
        try:
            if line:
                self._observer.step_logged(step, line)
            else:
                self._observer.step_changed(step)
        except Exception as error:
            if self.error is None:
                self.error = error
                self._stop(f"the observer failed: {type(error).__name__}: {error}")


def drive(run: RunHandle, observer: RunObserver, guarded_dir: Path | None) -> bool:
    """Run ``run`` to its end; whether Ctrl-C interrupted it, which stops its jobs.  A second Ctrl-C exits at once.

    :param guarded_dir: state folder of the embedded AWS, which is restarted if it dies
    """
    done: Future[None] = Future()
    go = Event()  # no step starts before an interrupt is caught

    def work() -> None:
        go.wait()
        try:
            asyncio.run(_run(run, observer, guarded_dir))
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    # With the context, an observer's output in a notebook appears below the right cell.
    context = contextvars.copy_context()
    Thread(target=context.run, args=(work,), name=f"run {run.run_id}", daemon=True).start()
    try:
        go.set()
        _wait_for(done)
    except KeyboardInterrupt:
        run.stop(INTERRUPTED)
        _wait_for(done)
        return True
    return False


def _wait_for(done: Future[None]) -> None:
    """Wait with short timeouts, because an interrupt may not wake a thread that waits for a lock."""
    while not wait([done], timeout=AWAKE_EVERY_S).done:
        pass
    done.result()


async def _run(run: RunHandle, observer: RunObserver, guarded_dir: Path | None) -> Any:
    async with guarded(run.progress, guarded_dir, observer.message):
        await run.run()
