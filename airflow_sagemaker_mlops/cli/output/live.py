"""Live progress of a run: a line per step with its state, time and last log line.

On a terminal the lines are updated in place; elsewhere (a file, CI) every state change is printed as a line.
"""

from __future__ import annotations

import sys
from typing import Any

from ...execution.local_executor import PipelineRun, StepProgress
from ...runs.result import seconds_between
from .terminal import clean, console, say

MARKS = {
    "Waiting": ("·", "dim"),
    "Executing": ("▶", "cyan"),
    "Succeeded": ("✓", "green"),
    "Failed": ("✗", "bold red"),
    "Stopped": ("■", "bold yellow"),
    "NotTaken": ("–", "dim"),
    "NotStarted": ("–", "yellow"),
    "NotSelected": ("–", "dim"),
}
WORDS = {"NotTaken": "not taken", "NotStarted": "not started", "NotSelected": "not selected"}


class Live:
    """Shows the progress of a run from :meth:`begin` to :meth:`end`."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = console()
        self._quiet = quiet
        self._run: PipelineRun | None = None
        self._live: Any = None

    def begin(self, run: PipelineRun) -> None:
        """Show ``run`` from now on."""
        self._run = run
        if self._quiet:
            return
        if sys.stdout.isatty():
            from rich.live import Live as RichLive

            self._live = RichLive(get_renderable=self._table, console=self._console, refresh_per_second=4)
            self._live.__enter__()
        else:
            say(f"{run.pipeline}  {run.run_id}")

    def end(self) -> None:
        """Stop updating; what is shown stays."""
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None

    def changed(self, step: StepProgress, line: str) -> None:
        """A step changed its state, or logged ``line``."""
        if self._quiet or self._live is not None or line:
            return
        mark, _ = MARKS[step.state]
        extra = f"  {step.error}" if step.error else ""
        say(f"{mark} {step.name:<24} {word_of(step):<12} {_elapsed(step):>7}{extra}".rstrip().replace("\n", " "))

    def say(self, line: str) -> None:
        """Print ``line`` about the run as a whole."""
        if self._live is None:
            say(line)
        else:
            self._console.print(clean(line), style="yellow", highlight=False, markup=False)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, padding=(0, 1), expand=True)
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, style="dim")
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis", style="dim")
        for step in self._run.steps.values() if self._run else ():
            mark, style = MARKS[step.state]
            last = step.error or step.line.rpartition("] ")[2]
            word = word_of(step)
            table.add_row(
                Text(mark, style=style),
                Text(clean(step.name)),
                step.type,
                Text(word, style=style),
                _elapsed(step),
                Text(clean(last).replace("\n", " ")),
            )
        return table


def word_of(step: StepProgress) -> str:
    """The state of a step in one word; "cached" or "reused" takes precedence if the result is an earlier run's."""
    result = step.result or {}
    if step.state == "Succeeded" and "SelectiveExecutionResult" in result:
        return "reused"
    if step.state == "Succeeded" and "CacheHitResult" in result:
        return "cached"
    return WORDS.get(step.state, step.state.lower())


def _elapsed(step: StepProgress) -> str:
    return f"{seconds(step):.1f} s" if step.started else ""


def seconds(step: StepProgress) -> float:
    """How long a step took, or has been running."""
    return seconds_between(step.started, step.ended)
