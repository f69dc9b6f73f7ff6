"""Starts a run: completely, selectively on results of another run, or where an earlier process left off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..definition.champion_arguments import APPROVAL
from ..definition.model import Pipeline
from ..definition.problems import did_you_mean
from ..execution.aws.clients import Aws, SessionAws
from ..execution.local_executor import new_run_id
from ..execution.recorder_protocol import StepRecorder
from ..execution.step_run import now
from ..execution.stubs.branches import Branch
from ..plan import make_plan
from ..plan.model import Plan
from ..plan.selection import Selection, select
from ..records.model.errors import RecordError
from ..records.model.secrets import secrets_of_run
from ..records.reuse.selective_run import SelectivePlan, make_selective_plan, split_patterns
from ..records.reuse.unfinished_runs import Unfinished, save_start
from .clients import EmbeddedOnDemand
from .errors import Argument, RunError
from .observer import RunObserver
from .parameters import typed_values, values_after
from .publishing import publish, script_of
from .recording import Recording, recording_of
from .request import RunRequest, check_selective
from .resuming import Continued, continued, left_by, start_of, stop_jobs_of


@dataclass(frozen=True, slots=True)
class RunStart:
    """A run that is ready to start.

    :param before: its id and start, and the state left by an earlier process
    :param choices: the branches that stubs take, one entry per run
    :param given: names of the parameters that were given
    """

    plan: Plan
    pipeline: str
    document: Mapping[str, Any]
    aws: Aws
    before: Continued
    values: Mapping[str, Any]
    given: frozenset[str]
    choices: tuple[dict[str, Branch], ...]
    recording: Recording | None = None
    recorder: StepRecorder[Any] | None = None
    selective_plan: SelectivePlan | None = None

    @property
    def selection(self) -> Selection | None:
        """The part of the plan that runs; ``None`` for all of it."""
        return self.selective_plan.selection if self.selective_plan else None

    @property
    def inherited(self) -> frozenset[str]:
        """Parameters whose values are inherited from another run."""
        return frozenset(self.selective_plan.inherited if self.selective_plan else self.before.inherited) - self.given


def prepare(request: RunRequest, observer: RunObserver) -> RunStart:
    """Do everything up to the first step: checks all of ``request`` before anything is started.

    :raises ValueError: with a sentence: ``PipelineError``, ``RecordError`` or :class:`RunError` among them
    """
    check_selective(request.selective)
    request.stubs.check()
    loaded = request.source.load()
    plan = make_plan(loaded)
    values = _values_of(plan, request)
    _check_answers(plan, request.answers)
    choices = request.stubs.choices(plan, values)
    request.stubs.table(plan, choices[0], values, {})  # refuses an invalid table before anything is started
    on_demand = request.on_demand and request.target.is_local_aws
    aws: Aws = EmbeddedOnDemand(request.target.state_dir) if on_demand else request.target.connect()
    start = _start(request, loaded, plan, values, aws, observer=observer)
    if request.publishes and request.target.is_local_aws and request.is_recorded:
        _publish(request, observer)
    if start.recording:
        _note_start(start, observer)
    return replace(start, choices=tuple(choices))


def _check_answers(plan: Plan, answers: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse an answer to a question that no step asks, before the run waits for the answer to another one."""
    steps = [task.task_id for task in plan.tasks if task.step_type == APPROVAL]
    for name, answer in answers.items():
        if name not in steps:
            raise RunError(
                '{option} names "{step}", which is not an x-approval step. {known}',
                option=Argument("approve" if answer.get("decision") == "Approved" else "reject"),
                step=name,
                known=did_you_mean(name, steps) if steps else "The pipeline has none.",
            )


def _values_of(plan: Plan, request: RunRequest) -> dict[str, Any]:
    """The given values.  Raises ``ValueError`` for invalid ones, and for a selection without steps."""
    selective = request.selective
    values = typed_values(plan, request.parameters, may_miss=bool(selective.resume), source=request.source.name)
    if selective.patterns:
        select(plan, split_patterns(selective.patterns))  # refused before anything is started
    return values


def _start(
    request: RunRequest,
    loaded: Pipeline,
    plan: Plan,
    given: dict[str, Any],
    aws: Aws,
    *,
    observer: RunObserver,
) -> RunStart:
    pipeline, run_id = request.pipeline, new_run_id()
    recording = None
    if request.is_recorded and isinstance(aws, SessionAws):
        recording = recording_of(
            request.records,
            request.target,
            aws,
            pipeline,
            run_id,
            source=request.source,
            cache=request.cache,
            trigger=request.trigger,
        )
        recording = recording.prepared(loaded.document, secrets_of_run(plan, given)) if recording else None
        recording = replace(recording, prices=request.prices) if recording else None
    recorder = recording.recorder if recording else None
    whole = RunStart(
        plan,
        pipeline,
        loaded.document,
        aws,
        Continued(run_id, now()),
        given,
        frozenset(given),
        (),
        recording,
        recorder,
    )
    if request.selective.is_all:
        return whole
    resume = request.selective.resume
    left = left_by(recorder.store, pipeline, resume) if recorder and resume else None
    return _resumed(whole, left, observer) or _part(whole, left, request, observer)


def _resumed(start: RunStart, left: Unfinished | None, observer: RunObserver) -> RunStart | None:
    """The unfinished run in ``left``, continued if nothing has changed since."""
    recording = start.recording
    same = continued(left, start.plan, start.values) if left else None
    if same is None or recording is None:
        return None
    values = values_after(start.plan, start.values, same.inherited)
    recorder = replace(recording.recorder, run_id=same.run_id, step_records=[*same.step_records])
    observer.message(same.line())
    recording = replace(recording, recorder=recorder)
    return replace(start, before=same, values=values, recording=recording, recorder=recorder)


def _part(start: RunStart, left: Unfinished | None, request: RunRequest, observer: RunObserver) -> RunStart:
    """A selective run, on results of another run or of the unfinished run ``left``."""
    plan, selective = start.plan, request.selective
    recorder = start.recording.recorder if start.recording else None
    known: dict[str, Any] = {"store": recorder.store, "inspect": recorder.inspect} if recorder else {}
    if left is not None:
        stop_jobs_of(left, plan, start.pipeline, start.aws, lambda text: observer.message(text, warning=True))
        known["source"] = left.as_source(plan)
    selective_plan = make_selective_plan(selective, plan, start.pipeline, **known, no_records=request.no_records)
    values = values_after(plan, start.values, selective_plan.inherited)
    for line in selective_plan.lines():
        observer.message(line)
    for remark in selective_plan.remarks(values):
        observer.message(remark, warning=True)
    return replace(
        start,
        values=values,
        recorder=selective_plan.recorder(recorder) if recorder else None,
        selective_plan=selective_plan,
    )


def _publish(request: RunRequest, observer: RunObserver) -> None:
    """Run the ``publish.py`` in the definition's folder, if there is one.  Raises :class:`NotPublished`."""
    folder = request.source.folder
    script = script_of(folder) if folder is not None else None
    if script is not None:
        done = publish(script, request.target.started())
        observer.message(f"{script} published {len(done)} objects and functions", warning=True)


def _note_start(start: RunStart, observer: RunObserver) -> None:
    """Store the start of the run, so that it can be resumed if this process is killed."""
    recorder = start.recording.recorder if start.recording else None
    assert recorder is not None
    note = start_of(start.plan, recorder.run_id, start.before.started, start.values)
    try:
        save_start(recorder.store, recorder.dag_id, note, recorder.secrets)
    except RecordError as error:
        observer.message(f"the run could not be resumed if this process were killed: {error}", warning=True)
