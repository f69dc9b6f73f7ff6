"""``run --select`` and ``run --resume``: what is to run, and where the other steps' results come from."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..document.problems import Problem
from ..execution.masking import MASK
from ..plan.model import Plan
from ..plan.selection import InvalidSelection, Selection, select, select_unfinished
from ..record.recorder import Recorder
from ..record.reuse import ReusingRecorder, SourceRun, check_reuse, read_source
from .records_text import safe

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the options ask for.

    patterns     of ``--select``, each a pattern or several with blanks or commas between them
    source_run   of ``--source-run``; the latest when left out
    resume       run of ``--resume``; "" without it
    """

    patterns: Sequence[str] = ()
    source_run: str | None = None
    resume: str = ""

    @property
    def is_all(self) -> bool:
        """Whether the whole pipeline is to run."""
        return not self.patterns and not self.resume

    def problem(self) -> str:
        """Why the options do not go together; empty when they do."""
        if self.patterns and self.resume:
            return "--select and --resume exclude each other: --resume selects by itself. Leave one out."
        if self.source_run is not None and not self.patterns:
            return "--source-run says where --select takes results from. Add --select, or use --resume RUN."
        return ""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a pipeline that runs; ``inherited`` are the parameter values of the run that is resumed."""

    selection: Selection
    source: SourceRun | None = None
    inherited: Mapping[str, Any] = field(default_factory=dict)

    def recorder(self, recorder: Recorder) -> Recorder | ReusingRecorder:
        """``recorder``, with results of the source run for reused steps."""
        if self.source is None or not self.selection.reused:
            return recorder
        return ReusingRecorder(recorder, self.selection, self.source)

    def announce(self, plan: Plan, given: Mapping[str, Any]) -> None:
        """Say what runs and what does not, and what may be unexpected about it."""
        print(safe(f"selected  {', '.join(self.selection.selected)}"))
        if self.source is None:
            return
        if self.selection.reused:
            print(safe(f"reused    {', '.join(self.selection.reused)}, from run {self.source.run_id}"))
        if self.source.definition_hash != plan.definition_hash:
            print(safe(f"the definition has changed since run {self.source.run_id}"), file=sys.stderr)
        now = {p.name: given.get(p.name, p.default) for p in plan.parameters}
        was = self.source.parameters
        changed = [name for name, value in now.items() if name in was and was[name] not in (value, MASK)]
        if changed and self.selection.reused:
            words = ", ".join(f"{name} {was[name]!r} -> {now[name]!r}" for name in changed)
            print(safe(f"reused results were made with other parameters: {words}"), file=sys.stderr)


def part_of(choice: Choice, plan: Plan, pipeline: str, recorder: Recorder | None) -> Part | None:
    """The part of ``plan`` that ``choice`` asks for; ``None`` for all of it.

    Raises :class:`InvalidSelection` with everything that keeps it from running.
    """
    if choice.is_all:
        return None
    selection = None if choice.resume else select(plan, words_of(choice.patterns))
    if selection is not None and not selection.reused:
        return Part(selection)
    if recorder is None:
        what = "results of an earlier run are needed, and this run knows no records to take them from."
        fix = "Add --records with the location of the records, and leave out --stand-ins."
        raise InvalidSelection(plan.source, [Problem("SM407", "source-run", what, fix)])
    source = read_source(recorder.store, plan, pipeline, choice.resume or choice.source_run or LATEST)
    inherited: Mapping[str, Any] = {}
    if selection is None:
        selection = select_unfinished(plan, source.statuses)
        declared = {parameter.name for parameter in plan.parameters}
        inherited = {name: value for name, value in source.parameters.items() if name in declared}
    check_reuse(plan, selection, source, recorder.look)
    return Part(selection, source, inherited)


def words_of(patterns: Sequence[str]) -> list[str]:
    """Single patterns: names hold neither blanks nor commas."""
    return [word for pattern in patterns for word in pattern.replace(",", " ").split()]


def merged(plan: Plan, given: Mapping[str, Any], inherited: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter values: ``given`` ones before ``inherited`` ones.

    Raises :class:`InvalidSelection` (SM409) for a secret, which the record does not have.
    """
    values = {**{name: value for name, value in inherited.items() if value is not None}, **given}
    hidden = [name for name, value in values.items() if name not in given and MASK in str(value)]
    if hidden:
        what = f"{', '.join(hidden)} held a secret, and secrets are not kept."
        fix = f"Add {' '.join(f'-p {name}=...' for name in hidden)}."
        raise InvalidSelection(plan.source, [Problem("SM409", "resume", what, fix)])
    return values
