"""Selective execution on the results of an earlier run: :class:`SelectiveRequest` -> :class:`SelectivePlan`, checked.

The command line and a DAG run's conf ask in different ways for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...definition.problems import Problem
from ...execution.secret_masking import MASK
from ...plan.model import Plan
from ...plan.selection import InvalidSelection, Selection, select, select_unfinished
from ..capture.recorder import Recorder
from ..model.step_record import Artifact
from ..store.protocol import Store
from ..store.reader import of_instance
from .earlier_results import ReusingRecorder, SourceRun, check_reuse, read_source

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class SelectiveRequest:
    """What is asked for.

    patterns     of steps that are to run, each a pattern or several with blanks or commas between them
    source_run   run whose results the steps before them take; the latest when left out
    resume       run to go on with instead; "" for none
    """

    patterns: Sequence[str] = ()
    source_run: str | None = None
    resume: str = ""

    @property
    def is_all(self) -> bool:
        """Whether the whole pipeline is to run."""
        return not self.patterns and not self.resume

    @property
    def source(self) -> str:
        """What the run is called that results are taken from."""
        return self.resume or self.source_run or LATEST

    def of_instance(self, index: int) -> SelectiveRequest:
        """The same of one instance of a pipeline in a mapped task group."""
        named = of_instance(self.source, index)
        return replace(self, resume=named) if self.resume else replace(self, source_run=named)


@dataclass(frozen=True, slots=True)
class SelectivePlan:
    """The part of a pipeline that runs; ``inherited`` are the parameter values of the run that is resumed."""

    selection: Selection
    source: SourceRun | None = None
    inherited: Mapping[str, Any] = field(default_factory=dict)

    def recorder(self, recorder: Recorder) -> Recorder | ReusingRecorder:
        """``recorder``, with results of the source run for reused steps."""
        if self.source is None or not self.selection.reused:
            return recorder
        return ReusingRecorder(recorder, self.selection, self.source)

    def lines(self) -> Iterator[str]:
        """What runs, and what is taken from where."""
        yield f"selected  {', '.join(self.selection.selected)}"
        if self.source is not None and self.selection.reused:
            yield f"reused    {', '.join(self.selection.reused)}, from run {self.source.run_id}"

    def remarks(self, plan: Plan, values: Mapping[str, Any]) -> Iterator[str]:
        """What may be unexpected about it, given the parameters that are not defaults."""
        if self.source is None:
            return
        if self.source.definition_hash != plan.definition_hash:
            yield f"the definition has changed since run {self.source.run_id}"
        now = {p.name: values.get(p.name, p.default) for p in plan.parameters}
        was = self.source.parameters
        changed = [name for name, value in now.items() if name in was and was[name] not in (value, MASK)]
        if changed and self.selection.reused:
            words = ", ".join(f"{name} {was[name]!r} -> {now[name]!r}" for name in changed)
            yield f"reused results were made with other parameters: {words}"


def part_of(
    choice: SelectiveRequest,
    plan: Plan,
    pipeline: str,
    store: Store | None = None,
    *,
    look: Callable[[Artifact], Artifact] | None = None,
    source: SourceRun | None = None,
    no_records: str,
) -> SelectivePlan:
    """The part of ``plan`` that ``choice`` asks for, which is not all of it.

    look         an output as it is now, to see whether it is still there; without it nobody looks
    source       the run to take results from, where it has been read already
    no_records   the way out when there is no ``store`` and results are needed

    Raises :class:`InvalidSelection` with everything that keeps it from running.
    """
    selection = None if choice.resume else select(plan, words_of(choice.patterns))
    if selection is not None and not selection.reused:
        return SelectivePlan(selection)
    if store is None:
        what = "results of an earlier run are needed, and this run knows no records to take them from."
        raise InvalidSelection(plan.source, [Problem("SM407", "source-run", what, no_records)])
    source = source or read_source(store, plan, pipeline, choice.source)
    inherited: Mapping[str, Any] = {}
    if selection is None:
        selection = select_unfinished(plan, source.statuses)
        declared = {parameter.name for parameter in plan.parameters}
        inherited = {name: value for name, value in source.parameters.items() if name in declared}
    check_reuse(plan, selection, source, look)
    return SelectivePlan(selection, source, inherited)


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
        names = ", ".join(hidden)
        what = f"{names} held a secret, and secrets are not kept."
        raise InvalidSelection(plan.source, [Problem("SM409", "resume", what, f"Give {names} again.")])
    return values
