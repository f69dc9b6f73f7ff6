"""Progress of a run: :class:`RunObserver`, and the run itself as :class:`RunHandle`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from ..execution.local_executor import PipelineRun, StepProgress


class RunHandle:
    """A run that has been prepared or is running.

    ``progress`` is live: only read it; it is complete once the run has ended.
    """

    def __init__(self, progress: PipelineRun) -> None:
        self.progress = progress
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.RLock()  # a signal handler may stop the run in the middle of a call

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.progress.pipeline

    @property
    def run_id(self) -> str:
        """Id of the run, under which it is recorded."""
        return self.progress.run_id

    @property
    def status(self) -> str:
        """Executing, Succeeded, Failed, CompletedWithFailures or Stopped."""
        return self.progress.status

    @property
    def steps(self) -> Mapping[str, StepProgress]:
        """The progress of each step, by name, in the order of the definition."""
        return self.progress.steps

    @property
    def is_recorded(self) -> bool:
        """Whether the run is recorded, and so can be resumed."""
        return self.progress.recorder is not None

    @property
    def is_on(self) -> bool:
        """Whether steps may be running."""
        return self._loop is not None

    def stop(self, cause: str) -> None:
        """Stop the running jobs, start no further step and end the run as Stopped.  From any thread.

        :param cause: why, for the record and the result
        """
        with self._lock:
            if self._loop is None:
                self.progress.stop(cause)
            else:
                self._loop.call_soon_threadsafe(self.progress.stop, cause)

    async def run(self) -> None:
        """Run to the end, on the event loop that this is awaited on."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
        try:
            await self.progress.run()
        finally:
            with self._lock:
                self._loop = None


class RunObserver:
    """Receives the progress of a run.  Subclass it and override the methods that you need.

    :meth:`step_changed` and :meth:`step_logged` are called in the thread that runs the pipeline, one at a time, and
    should return quickly; the others in the thread of the caller.  An exception stops the run and is raised at its end.
    """

    def run_started(self, run: RunHandle) -> None:
        """The run is about to start; :meth:`RunHandle.stop` stops it."""

    def step_changed(self, step: StepProgress) -> None:
        """``step`` changed its state."""

    def step_logged(self, step: StepProgress, line: str) -> None:
        """``step`` logged ``line``."""

    def message(self, text: str, *, warning: bool = False) -> None:
        """A message about the run as a whole, e.g. which steps are reused from which run."""

    def run_ended(self, run: RunHandle) -> None:
        """All steps have ended; the run is not sealed yet."""
