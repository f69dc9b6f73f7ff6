"""What a drill looks like while it goes on, and the table at its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from .audit import Findings
from .drill import Progress

LINE_S = 15.0  # between lines where there is no terminal


class Screen:
    """Two bars, redrawn by a thread of its own; lines where there is no terminal."""

    def __init__(self, console: Console, progress: Progress, *, runs: int, kills: int) -> None:
        self._console, self._progress, self._runs, self._kills = console, progress, runs, kills
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Bars(*columns, console=console)
        self._begun = time.monotonic()

    def __enter__(self) -> Screen:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)

    def _show(self) -> None:
        if not self._console.is_terminal:
            while not self._over.wait(LINE_S):
                self._console.print(self._line(), highlight=False, soft_wrap=True)
            return
        with self._bars:
            runs = self._bars.add_task("runs", total=self._runs)
            kills = self._bars.add_task("kills", total=self._kills)
            while not self._over.wait(0.5):
                self._update(runs, kills)
            self._update(runs, kills)

    def _update(self, runs: TaskID, kills: TaskID) -> None:
        live = self._progress.started - self._progress.ended
        self._bars.update(
            runs, completed=self._progress.ended, description=f"runs ({self._progress.phase}, {live} live)"
        )
        self._bars.update(kills, completed=self._progress.killed)

    def _line(self) -> str:
        p = self._progress
        total, kills = self._runs, self._kills
        elapsed = time.monotonic() - self._begun
        runs = f"{p.ended} of {total} runs ended, {p.started} started"
        return f"{elapsed:5.0f} s  {p.phase}: {runs}, {p.killed} of {kills} kills"


DONE = ("runs", "jobs", "kills", "restarts", "faults", "user_actions", "asked", "seconds")


def table(figures: dict[str, Any], counts: Mapping[str, int]) -> Table:
    """The counts; what is to be zero stands out when it is not."""
    shown = Table(title="Fault drill", title_justify="left")
    shown.add_column("what")
    shown.add_column("count", justify="right")
    for name in DONE:
        if name in figures:
            shown.add_row(name.replace("_", " "), str(figures[name]))
    shown.add_section()
    for name, count in counts.items():
        shown.add_row(name.replace("_", " "), str(count), style="bold red" if count else "green")
    return shown


def lines_of(findings: Findings) -> Iterator[str]:
    """One line for every violation."""
    for kind in Findings.COUNTED:
        for found in getattr(findings, kind):
            first = found["jobs"][0] if "jobs" in found else found
            who = " ".join(str(first.get(key, "")) for key in ("dag_id", "run_id", "task_id"))
            yield f"{kind}: {who}: {found.get('why') or found.get('state')}"
