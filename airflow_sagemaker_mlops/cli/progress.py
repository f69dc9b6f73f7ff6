"""Shows the progress of a run on the terminal: the observer of ``run`` and ``reproduce``."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ..execution.local_executor import StepProgress
from ..records.model.secrets import secrets_of_run
from ..runs.observer import RunHandle, RunObserver
from .output.live import Live
from .output.summary import print_summary
from .output.terminal import register_secrets, say
from .signals import Ending


class TerminalObserver(RunObserver):
    """Shows runs and stops them on a signal, as a context manager.

    again   returns the command that resumes the run with a given id
    """

    def __init__(self, *, quiet: bool, again: Callable[[str], str] | None = None) -> None:
        self.ending = Ending()
        self._quiet, self._again = quiet, again
        self._live: Live | None = None
        self._handles_signals = False

    def __enter__(self) -> TerminalObserver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_live()
        if self._handles_signals:
            self.ending.__exit__(kind, error, trace)

    def run_started(self, run: RunHandle) -> None:
        """Show ``run``; signals stop it from now on."""
        register_secrets(secrets_of_run(run.progress.plan, run.progress.parameters))
        if not self._handles_signals:
            self.ending.__enter__()
            self._handles_signals = True
        self._live = Live(quiet=self._quiet)
        self._live.begin(run.progress)
        self.ending.watch(run, self._again(run.run_id) if self._again and run.is_recorded else "")

    def step_changed(self, step: StepProgress) -> None:
        """Show the new state of ``step``."""
        if self._live is not None:
            self._live.changed(step, "")

    def message(self, text: str, *, warning: bool = False) -> None:
        """Print ``text``, a warning on standard error."""
        if self._live is not None and not warning:
            self._live.say(text)
        else:
            say(text, err=warning)

    def run_ended(self, run: RunHandle) -> None:
        """The tables."""
        self.ending.unwatch()
        self._end_live()
        print_summary(run.progress)

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.end()
        self._live = None
