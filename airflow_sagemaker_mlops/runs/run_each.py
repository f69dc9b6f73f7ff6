"""From a request to results: prepares a run, drives it to its end and seals its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..execution.callback_inbox import CallbackInbox, MemoryCallbackInbox
from ..execution.identity import StepIdentity
from ..execution.local_executor import PipelineRun, new_run_id
from ..execution.recorder_protocol import StepRecorder
from ..execution.request_overrides import NO_OVERRIDES, RequestOverrides
from ..execution.scope_values import execution_variables
from ..execution.step_run import ExecutionOptions, now
from ..execution.stubs.branches import Branch
from ..plan.model import Plan
from ..plan.selection import Selection
from ..records.export.model_card import is_about_champions
from ..records.export.model_cards import write_cards
from ..records.model.errors import RecordError
from ..records.seal.seal import Sealed
from .clients import EmbeddedOnDemand, Target, state_folder
from .compare_again import compared_again
from .drive import Notifier, drive
from .observer import RunHandle, RunObserver
from .recording import Recording
from .request import RunRequest
from .result import RunResult, result_of
from .resuming import Continued
from .start import RunStart, prepare

POLL_LOCAL_S, POLL_AWS_S = 1.0, 30.0  # polling the embedded AWS costs nothing; AWS is polled as rarely as under Airflow


@dataclass(frozen=True, slots=True)
class Work:
    """One run with everything it needs, ready for :func:`execute`."""

    plan: Plan
    pipeline: str
    values: Mapping[str, Any]
    aws: Any
    target: Target
    before: Continued
    document: Mapping[str, Any]
    stubs: Mapping[str, Any] | None = None
    branches: Mapping[str, Branch] | None = None
    max_parallel_steps: int = 0
    recorder: StepRecorder[Any] | None = None
    recording: Recording | None = None
    selection: Selection | None = None
    overrides: RequestOverrides = NO_OVERRIDES
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def run_each(request: RunRequest, observer: RunObserver) -> list[RunResult]:
    """Perform the runs of ``request``: one, or with stubs for all branches one per branch.

    A run that compared with an earlier champion is followed by one that compares again; the last one counts.

    :raises ValueError: with a sentence, before anything is started: ``PipelineError``, ``RecordError`` or ``RunError``
    :raises KeyboardInterrupt: once the jobs of an interrupted run have been stopped and its record is sealed
    """
    start = prepare(request, observer)
    results: list[RunResult] = []
    for branches in start.choices:
        own = Continued(new_run_id(), now()) if results else start.before
        results.append(execute(_work(request, start, own, branches, observer), observer))
        if results[-1].status == "Stopped":
            break

    def run_once(again: RunRequest) -> RunResult:
        next_start = prepare(again, observer)
        return execute(_work(again, next_start, next_start.before, next_start.choices[0], observer), observer)

    if not request.stubs.all_branches:
        results += compared_again(request, results[-1], run_once, observer)
    return results


def _work(
    request: RunRequest, start: RunStart, own: Continued, branches: dict[str, Branch], observer: RunObserver
) -> Work:
    identity = StepIdentity(start.pipeline, "", start.pipeline, own.run_id, "")
    variables = execution_variables(identity, start.aws.region)
    stubs = request.stubs
    stubs.write_files(start.aws, start.plan, branches, start.values, variables)
    if stubs.all_branches:
        observer.message(stubs.heading(branches))
    recording = replace(start.recording, inherited=start.inherited) if start.recording else None
    return Work(
        plan=start.plan,
        pipeline=start.pipeline,
        values=start.values,
        aws=start.aws,
        target=request.target,
        before=own,
        document=start.document,
        stubs=stubs.table(start.plan, branches, start.values, variables),
        branches=branches if request.stubs.stubs is not None else None,
        max_parallel_steps=request.max_parallel_steps,
        recorder=start.recorder,
        recording=recording,
        selection=start.selection,
        answers=request.answers,
    )


def execute(work: Work, observer: RunObserver) -> RunResult:
    """Run ``work`` to its end and seal its record."""
    target, before = work.target, work.before
    local = target.is_local_aws
    served = local and not isinstance(work.aws, EmbeddedOnDemand)
    notifier = Notifier(observer)
    run = PipelineRun(
        plan=work.plan,
        pipeline=work.pipeline,
        run_id=before.run_id,
        started=before.started,
        finished=before.finished,
        retried=before.retried,
        aws=work.aws,
        parameters=work.values,
        options=ExecutionOptions(
            poll_interval_s=POLL_LOCAL_S if local else POLL_AWS_S,
            logs="live",
            stubs=work.stubs or {},
            answers=work.answers,
            overrides=work.overrides,
        ),
        notify=notifier.notify,
        max_parallel_steps=work.max_parallel_steps,
        recorder=work.recorder,
        selection=work.selection,
        inbox=_inbox(state_folder(target.state_dir) if served else None),
    )
    handle = RunHandle(run)
    notifier.stops(handle)
    observer.run_started(handle)
    interrupted = drive(handle, observer, state_folder(target.state_dir) if served else None)
    observer.run_ended(handle)
    result = _sealed(run, work, observer)
    if interrupted:
        raise KeyboardInterrupt
    if notifier.error is not None:
        raise notifier.error
    return result


def _inbox(state_dir: Path | None) -> CallbackInbox:
    if state_dir is None:
        return MemoryCallbackInbox()
    from .callback_inbox import LocalCallbackInbox

    return LocalCallbackInbox(state_dir)


def _sealed(run: PipelineRun, work: Work, observer: RunObserver) -> RunResult:
    if work.recording is None:
        return result_of(run, branches=work.branches)
    try:
        sealed = work.recording.seal(run, work.document)
    except RecordError as error:
        observer.message(f"the run was not recorded: {error}", warning=True)
        return result_of(run, branches=work.branches, record_problem=str(error))
    observer.message(f"record {sealed.uri}")
    _write_cards(run, sealed, observer)
    return result_of(run, branches=work.branches, record=sealed.record, record_uri=sealed.uri)


def _write_cards(run: PipelineRun, sealed: Sealed, observer: RunObserver) -> None:
    """Write the model cards of the run's candidates; errors are only logged."""
    if not is_about_champions(sealed.record):
        return

    def log(text: str, *words: object) -> None:
        observer.message(text % words, warning=True)

    try:
        write_cards(run.aws.client("sagemaker"), sealed, log)
    except Exception as error:
        log("the model cards could not be written: %s: %s", type(error).__name__, error)
