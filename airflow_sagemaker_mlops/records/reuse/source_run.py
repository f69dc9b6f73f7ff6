"""The earlier run whose results a selective run takes: read, checked before the run, and returned by a recorder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...definition.expressions import parse_value
from ...definition.model import Get, JsonGet, PathPart, walk_expressions
from ...definition.problems import Problem
from ...definition.property_paths import MissingValue, format_path, lookup, parse_path
from ...execution.secret_masking import MASK
from ...execution.step_run import StepRun, now
from ...json_types import AwsShape
from ...plan.model import Plan, TaskPlan
from ...plan.selection import InvalidSelection, Selection
from ...plan.spec import StepSpec
from ..capture.fingerprint import change_since
from ..capture.recorder import Recorder
from ..capture.step_start import StepStart
from ..model.documents import RecordDocument
from ..model.errors import RecordError, StoreUnavailable
from ..model.step_record import Artifact, CacheOutcome, StepRecord
from ..store.protocol import Store
from ..store.reader import dags_of, parameters_of_record, read_record, run_named, steps_of
from ..store.sealed import record_name

ENDED = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A recorded run whose results a selective run takes; ``steps`` by name."""

    run_id: str
    status: str
    definition_hash: str
    parameters: Mapping[str, Any]
    steps: Mapping[str, StepRecord]

    @property
    def statuses(self) -> dict[str, str]:
        """Status of each step, by name."""
        return {name: step.status for name, step in self.steps.items()}


def read_source(store: Store, plan: Plan, pipeline: str, name: str) -> SourceRun:
    """The run called ``name`` (an id, its beginning, "latest") of ``pipeline``.

    Raises :class:`InvalidSelection` (SM407) if no results can be taken from it, and :class:`StoreUnavailable` if the
    records cannot be read.
    """
    try:
        run_id = run_named(store, pipeline, name)
        document = read_record(store, pipeline, run_id)
        steps = steps_of(store, document)
    except StoreUnavailable:
        raise
    except RecordError as error:
        other = name.partition("/")[0]
        what = f"there is no source run: {error}"
        if "/" in name and other != pipeline and other in dags_of(store):
            what = f'run "{name}" is of pipeline "{other}", and this is "{pipeline}": results are not exchanged.'
        fix = "sagemaker-mlops records list shows the runs there are; without one, select every step."
        raise InvalidSelection(plan.source, [Problem("SM407", "source-run", what, fix)]) from None
    status = str(document["run"].get("status", ""))
    if status not in ENDED:
        what = f'run "{run_id}" is {status or "without a status"}, so its results are not final.'
        raise InvalidSelection(
            plan.source, [Problem("SM407", "source-run", what, "Wait for its end, or name another.")]
        )
    return source_of(document, steps)


def source_of(document: RecordDocument, steps: Mapping[str, StepRecord]) -> SourceRun:
    """The run of the record ``document``, with ``steps`` from ``reader.steps_of``, as a source run."""
    run = document["run"]
    parameters = parameters_of_record(document)
    definition = document["definition"]["sha256"] if "definition" in document else ""
    return SourceRun(record_name(run), str(run.get("status", "")), definition, parameters, steps)


def check_reuse(
    plan: Plan, selection: Selection, source: SourceRun, inspect: Callable[[Artifact], Artifact] | None = None
) -> None:
    """Raise :class:`InvalidSelection` for every reused step whose result ``source`` cannot supply as needed.

    inspect   returns an output as it is now, see ``Recorder.inspect``; if omitted, outputs are not checked
    """
    problems: list[Problem] = []
    for task in plan.tasks:
        if task.task_id in selection.reused:
            problems += _missing(plan, selection, source, task)
            if inspect is not None:
                problems += _lost(plan, selection, source, task, inspect)
        if task.task_id in selection.selected:
            problems += _not_taken(plan, selection, source, task)
    if problems:
        raise InvalidSelection(plan.source, problems)


def _missing(plan: Plan, selection: Selection, source: SourceRun, task: TaskPlan) -> Iterator[Problem]:
    """Problems with the result of the reused step ``task``."""
    name = task.task_id
    where, fix = f"$.Steps.{name}", f"Select {name} as well, or name another source run."
    found = source.steps.get(name)
    if found is None or found.status != "Succeeded":
        end = f"ended {found.status}" if found else "is not"
        yield Problem("SM408", where, f'"{name}" has to be reused, but {end} in run "{source.run_id}".', fix)
        return
    if found.type != task.step_type:
        what = f'"{name}" is a {task.step_type} step and was a {found.type} step in run "{source.run_id}".'
        yield Problem("SM408", where, what, fix)
        return
    properties = (found.result or {}).get("Properties") or {}
    for path, reader in sorted(_wanted_of(plan, selection, task).items()):
        try:
            value = lookup(properties, parse_path(path)) if path else properties
        except MissingValue as missing:
            what = f'"{reader}" takes {path} of "{name}", which run "{source.run_id}" did not keep: {missing}.'
            yield Problem("SM408", where, what, fix)
        else:
            if MASK in json.dumps(value):
                what = f'"{reader}" takes {path} of "{name}", which holds a secret, and secrets are not kept.'
                yield Problem("SM408", where, what, f"Select {name} as well.")


def _lost(
    plan: Plan, selection: Selection, source: SourceRun, task: TaskPlan, inspect: Callable[[Artifact], Artifact]
) -> Iterator[Problem]:
    """Outputs of the reused step ``task`` that changed since, if a selected step takes its result."""
    name, found = task.task_id, source.steps.get(task.task_id)
    wanted = sorted(_wanted_of(plan, selection, task).items())
    for output in found.outputs if found is not None and wanted else ():
        why = change_since(output, inspect(output))
        if why:
            what = f'"{wanted[0][1]}" takes results of "{name}": {output.uri} of run "{source.run_id}" {why}.'
            yield Problem("SM408", f"$.Steps.{name}", what, f"Select {name} as well.")


def _not_taken(plan: Plan, selection: Selection, source: SourceRun, task: TaskPlan) -> Iterator[Problem]:
    """The reused condition that took another branch than that of the selected step ``task``, if there is one."""
    for edge in plan.edges_of(task):
        found = source.steps.get(edge.task_id)
        if edge.kind != "branch" or edge.task_id not in selection.reused or not found or found.status != "Succeeded":
            continue
        outcome = ((found.result or {}).get("Properties") or {}).get("Outcome")
        taken = "If" if outcome else "Else"
        if taken != edge.label:
            what = (
                f'"{task.task_id}" is in branch {edge.label} of "{edge.task_id}", which took {taken} in the source run.'
            )
            fix = f"Select {edge.task_id} as well, so that it decides again."
            yield Problem("SM408", f"$.Steps.{task.task_id}", what, fix)


def _wanted_of(plan: Plan, selection: Selection, task: TaskPlan) -> dict[str, str]:
    """{property path of ``task`` that selected steps reference: one of these steps}; path "" for all properties."""
    wanted: dict[str, str] = {}
    for reader in plan.tasks:
        if reader.task_id in selection.selected and task.task_id in reader.reads:
            for step, path in _taken(reader.spec):
                if step == task.task_id:
                    wanted.setdefault(format_path(path), reader.task_id)
    return wanted


def _taken(spec: StepSpec) -> Iterator[tuple[str, tuple[PathPart, ...]]]:
    """(step, path) for the references in ``spec``, including those in a loop's body."""
    files = dict(spec.files)
    for inner in spec.body.values():
        files |= inner.spec.files
    for expression in walk_expressions(parse_value(spec.to_json(), free=True)):
        match expression:
            case Get(root="Steps", name=step, path=path):
                yield step, path
            case JsonGet(step=str(step), property_file=file):
                output = files.get(step, {}).get(str(file), {}).get("OutputName")
                if output:
                    yield step, parse_path(f"ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri")


@dataclass(frozen=True, slots=True)
class ReusingRecorder:
    """A recorder that returns the results of ``source`` for reused steps, and uses ``recorder`` for the others."""

    recorder: Recorder
    selection: Selection
    source: SourceRun

    async def begin(self, run: StepRun) -> StepStart:
        """The earlier result of a reused step; otherwise the answer of ``recorder``."""
        name = run.identity.step
        if name not in self.selection.reused:
            return await self.recorder.begin(run)
        run.log(f'taken from run "{self.source.run_id}": this step is not selected')
        return self.reused(name)

    def reused(self, name: str) -> StepStart:
        """The source run's result of a step."""
        return StepStart(now(), result=reused_result(self.source, name))

    async def end(
        self,
        run: StepRun,
        start: StepStart,
        *,
        status: str,
        result: Mapping[str, object] | None,
        jobs_started: int = 0,
        failure_reason: str = "",
    ) -> StepRecord | None:
        """Record the step; a reused one as in the source run, without attempts, jobs and billable seconds."""
        name = run.identity.step
        if name not in self.selection.reused:
            return await self.recorder.end(
                run, start, status=status, result=result, jobs_started=jobs_started, failure_reason=failure_reason
            )
        was = self.source.steps[name]
        outcome = CacheOutcome(result="reused", source_run=self.source.run_id, source_arn=was.made_by)
        step_record = replace(
            was,
            status=status,
            started=start.started,
            ended=now(),
            attempts=(),
            jobs_started=0,
            billable_seconds=None,
            model_packages=(),
            cache=outcome,
            result=result,
        )
        return await self.recorder.record(run, step_record)

    def submitted(self, start: StepStart) -> None:
        """A job of a step that is not reused was submitted."""
        self.recorder.submitted(start)

    def job_ended(self, name: str, answer: AwsShape) -> None:
        """A job of a step that is not reused has ended."""
        self.recorder.job_ended(name, answer)

    async def settled(self) -> None:
        """Wait until background writes have ended."""
        await self.recorder.settled()


def reused_result(source: SourceRun, step: str) -> dict[str, Any]:
    """The result of ``step`` in ``source``, as a selective run passes it to later steps."""
    result = {key: value for key, value in (source.steps[step].result or {}).items() if key != "CacheHitResult"}
    return {**result, "Reused": True, "SelectiveExecutionResult": {"SourceRun": source.run_id}}
