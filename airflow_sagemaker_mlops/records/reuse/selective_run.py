"""Selective execution: what the user asks for, :class:`SelectiveRequest` -> checked, :class:`SelectivePlan`.

The command line and the conf of a DAG run are two ways to make the same request.
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
from ..model.canonical_json import compact_json
from ..model.step_record import Artifact
from ..store.keys import source_key
from ..store.protocol import Store, Stored
from ..store.reader import of_instance
from ..store.stored_json import read_stored
from .source_run import ReusingRecorder, SourceRun, check_reuse, read_source

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class SelectiveRequest:
    """What the user asks for.

    patterns     steps to run; each entry holds one pattern, or several separated by blanks or commas
    source_run   run whose results the steps upstream of them take; the latest if omitted
    resume       run to resume instead; "" for none
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
        """The user's name for the source run."""
        return self.resume or self.source_run or LATEST

    def of_instance(self, index: int) -> SelectiveRequest:
        """The same request for one instance of a pipeline in a mapped task group."""
        return self.from_run(of_instance(self.source, index))

    def from_run(self, run_id: str) -> SelectiveRequest:
        """The same request with another source run."""
        return replace(self, resume=run_id) if self.resume else replace(self, source_run=run_id)


@dataclass(frozen=True, slots=True)
class SelectivePlan:
    """A checked request: which steps run, and which results the others take.

    source      run whose results the reused steps take; ``None`` if no step is reused
    inherited   parameter values of the resumed run, by name
    """

    plan: Plan
    selection: Selection
    source: SourceRun | None = None
    inherited: Mapping[str, object] = field(default_factory=dict)

    def recorder(self, recorder: Recorder) -> Recorder | ReusingRecorder:
        """``recorder``, which returns the source run's results for reused steps."""
        if self.source is None or not self.selection.reused:
            return recorder
        return ReusingRecorder(recorder, self.selection, self.source)

    def lines(self) -> Iterator[str]:
        """The selected steps, and the reused ones with their source run."""
        yield f"selected  {', '.join(self.selection.selected)}"
        if self.source is not None and self.selection.reused:
            yield f"reused    {', '.join(self.selection.reused)}, from run {self.source.run_id}"

    def remarks(self, values: Mapping[str, object]) -> Iterator[str]:
        """What the user may not expect: a changed definition, or reused results of other parameters.

        values   the run's parameters that are not defaults
        """
        if self.source is None:
            return
        if self.source.definition_hash != self.plan.definition_hash:
            yield f"the definition has changed since run {self.source.run_id}"
        now = {p.name: values.get(p.name, p.default) for p in self.plan.parameters}
        was = self.source.parameters
        changed = [name for name, value in now.items() if name in was and was[name] not in (value, MASK)]
        if changed and self.selection.reused:
            words = ", ".join(f"{name} {was[name]!r} -> {now[name]!r}" for name in changed)
            yield f"reused results were made with other parameters: {words}"


def make_selective_plan(
    request: SelectiveRequest,
    plan: Plan,
    pipeline: str,
    store: Store | None = None,
    *,
    inspect: Callable[[Artifact], Artifact] | None = None,
    source: SourceRun | None = None,
    no_records: str,
) -> SelectivePlan:
    """The selective plan for ``request``, which is not for the whole pipeline.

    inspect      returns an output as it is now, to check that it still exists; if omitted, nothing is checked
    source       the source run, if the caller has read it
    no_records   how to fix a request that needs results when there is no ``store``

    Raises :class:`InvalidSelection` with every reason why the request cannot run.
    """
    selection = None if request.resume else select(plan, split_patterns(request.patterns))
    if selection is not None and not selection.reused:
        return SelectivePlan(plan, selection)
    if store is None:
        what = "results of an earlier run are needed, and this run knows no records to take them from."
        raise InvalidSelection(plan.source, [Problem("SM407", "source-run", what, no_records)])
    source = source or read_source(store, plan, pipeline, request.source)
    inherited: Mapping[str, object] = {}
    if selection is None:
        selection = select_unfinished(plan, source.statuses)
        declared = {parameter.name for parameter in plan.parameters}
        inherited = {name: value for name, value in source.parameters.items() if name in declared}
    check_reuse(plan, selection, source, inspect)
    return SelectivePlan(plan, selection, source, inherited)


def selective_plan_of_run(
    request: SelectiveRequest,
    plan: Plan,
    pipeline: str,
    store: Store | None,
    run_id: str,
    *,
    inspect: Callable[[Artifact], Artifact] | None = None,
    no_records: str,
) -> SelectivePlan:
    """The selective plan of run ``run_id``, the same for all its steps.  Raises like :func:`make_selective_plan`.

    The steps of a DAG run are separate processes, and "latest" is another run as soon as one ends.  So the first step
    stores its source run beside the records; later steps use it, also those that a user clears.

    inspect   only used for the first step: for later ones, the run itself may have changed an output
    """
    if store is None:
        return make_selective_plan(request, plan, pipeline, None, no_records=no_records)
    key, asked = source_key(pipeline, run_id), _to_json(request)
    while True:
        found = store.read(key)
        stored = _stored_source(found, asked)
        checked = make_selective_plan(
            request.from_run(stored) if stored else request,
            plan,
            pipeline,
            store,
            inspect=None if stored else inspect,
            no_records=no_records,
        )
        if stored or checked.source is None:
            return checked
        note = compact_json({"asked": asked, "source_run": checked.source.run_id})
        if store.replace(key, note, found.tag if found else None):  # else another step stored one first
            return checked


def _to_json(request: SelectiveRequest) -> dict[str, Any]:
    return {"select": list(request.patterns), "source_run": request.source_run or "", "resume": request.resume}


def _stored_source(found: Stored | None, asked: Mapping[str, object]) -> str:
    """The stored source run; "" if there is none, or if a deleted run of the same id stored it for another request."""
    if found is None:
        return ""
    try:
        note = read_stored(found.data)
    except ValueError:
        return ""  # cut off: it is written again
    same = isinstance(note, dict) and note.get("asked") == asked
    return str(note.get("source_run") or "") if same else ""


def split_patterns(patterns: Sequence[str]) -> list[str]:
    """Single patterns; step names contain neither blanks nor commas."""
    return [word for pattern in patterns for word in pattern.replace(",", " ").split()]


def merge_parameters(plan: Plan, given: Mapping[str, object], inherited: Mapping[str, object]) -> dict[str, Any]:
    """Parameter values; ``given`` ones take precedence over ``inherited`` ones.

    Raises :class:`InvalidSelection` (SM409) for an inherited secret, which records do not hold.
    """
    values = {**{name: value for name, value in inherited.items() if value is not None}, **given}
    hidden = [name for name, value in values.items() if name not in given and MASK in str(value)]
    if hidden:
        names = ", ".join(hidden)
        what = f"{names} held a secret, and secrets are not kept."
        raise InvalidSelection(plan.source, [Problem("SM409", "resume", what, f"Give {names} again.")])
    return values
