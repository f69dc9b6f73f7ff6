"""``reproduce``: runs a recorded run again and compares the results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..definition import load_pipeline
from ..definition.model import Pipeline
from ..execution.aws.clients import SessionAws
from ..execution.local_executor import new_run_id
from ..execution.secret_masking import MASK
from ..execution.step_run import now
from ..plan import make_plan
from ..plan.model import Plan
from ..records.capture.fingerprint import fingerprint
from ..records.capture.git_commit import commit_of
from ..records.model.prices import Prices
from ..records.model.secrets import secrets_of_run
from ..records.model.step_record import StepRecord
from ..records.reproduce.compare import (
    Steps,
    changed_meanwhile,
    compared,
    differences,
    stored_definition,
    unpinned_images,
    what_changed,
)
from ..records.store.reader import parameters_of_record, read_record, run_named, steps_of
from .clients import Target
from .definition_source import GivenDefinition
from .errors import Argument, RunError
from .observer import RunObserver
from .parameters import typed_values, values_after
from .pinned import Pinned, pin
from .recording import Recording, recording_of
from .request import EMBEDDED
from .result import RunResult
from .resuming import Continued
from .run_each import Work, execute
from .run_pipeline import StrPath, prices_of, target_of

if TYPE_CHECKING:
    from ..records.model.documents import RecordDocument

Level = Literal["verified", "parameters"]
LEVELS = ("parameters", "verified")
STORED_FILE = "definition.json"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The outcome of a reproduction.

    :param source_run: id of the recorded run
    :param reproduced: whether every step ended with the same status, with equal metrics and decisions
    :param run: the new run; ``None`` if none was started
    :param changes: what has changed since the record, as sentences; reasons for ``differences``, or for not starting
    :param missing: recorded versions of inputs that a pinned run needs but that no longer exist
    :param differences: the differences between the results
    :param compared: number of compared values of metrics and decisions
    """

    source_run: str
    reproduced: bool
    run: RunResult | None = None
    changes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    compared: int = 0


@dataclass(frozen=True, slots=True)
class ReproductionRequest:
    """The request for a reproduction.

    :param run: the recorded run: an id, its beginning, "latest"
    :param source: the current definition; ``None`` for the stored one
    :param level: "parameters": run in any case; "verified": run only if nothing has changed
    :param tolerance: relative tolerance when comparing metrics
    :param copies: destination of the recorded versions of changed inputs, ``s3://bucket/prefix``
    """

    run: str
    source: GivenDefinition | None = None
    name: str | None = None
    level: str = "verified"
    parameters: Mapping[str, object] = field(default_factory=dict)
    tolerance: float = 1e-9
    copies: str = ""
    target: Target = EMBEDDED
    records: str | None = None
    prices: Prices | None = None
    trigger: str = "api"

    def check(self) -> None:
        """Raise :class:`RunError` for an invalid request."""
        level, pinned = Argument("level"), Argument("pin", python="a pinned run")
        if self.level not in LEVELS:
            what = '{level} is "{given}"; use {known}.'
            raise RunError(what, level=level, given=self.level, known=" or ".join(LEVELS))
        if self.source is None and self.level == "parameters":
            what = "{pinned} takes everything as it was recorded, so there is no {level}. Leave one out."
            raise RunError(what, pinned=pinned, level=Argument("level", "parameters"))
        if self.copies and (self.source is not None or not self.copies.startswith("s3://")):
            raise RunError(
                '{copies} "{given}" says where {pinned} copies recorded versions to: s3://bucket/prefix.',
                copies=Argument("copies"),
                given=self.copies,
                pinned=pinned,
            )
        if self.source is None and self.name is None:
            what = "the stored definition says nothing of the pipeline's name: add {name}."
            raise RunError(what, name=Argument("name"))


def reproduce(
    run: str | RunResult,
    definition: object = None,
    parameters: Mapping[str, object] | None = None,
    *,
    name: str | None = None,
    level: Level = "verified",
    tolerance: float = 1e-9,
    copies: str = "",
    aws_conn_id: str | None = None,
    region_name: str | None = None,
    session: object = None,
    state_dir: StrPath | None = None,
    records: StrPath | None = None,
    prices: StrPath | Prices | None = None,
    observer: RunObserver | None = None,
) -> Reproduction:
    """Run a recorded run again, as ``sagemaker-mlops reproduce`` does, and compare the results.

    Without a ``definition`` the run is pinned: it uses the stored definition, and the parameters, object versions,
    images and outside results in the record.  Prints nothing.

    :param run: a result, the id of a run, its beginning, "latest" or "latest~1"
    :param definition: the current definition; ``None`` for the stored one
    :param parameters: values that replace recorded ones; secrets must be given
    :param name: name of the pipeline; default: that of ``run`` or ``definition``
    :param level: "verified": start only if nothing has changed; "parameters": start in any case
    :param tolerance: relative tolerance when comparing metrics
    :param copies: where a pinned run copies recorded versions, ``s3://bucket/prefix``; default: the inputs' buckets

    The other parameters are those of :func:`run_pipeline`.

    :raises PipelineError: if the definition is unusable
    :raises RunError: if the arguments are unusable
    :raises RecordError: if the run or its record cannot be read, or the record is not intact
    """
    known = run if isinstance(run, RunResult) else None
    request = ReproductionRequest(
        run=run.run_id if isinstance(run, RunResult) else run,
        source=None if definition is None else GivenDefinition(definition),
        name=name or (known.pipeline if known else None),
        level=level,
        parameters=parameters or {},
        tolerance=tolerance,
        copies=copies,
        target=target_of(aws_conn_id, region_name, session, state_dir),
        records=None if records is None else os.fspath(records),
        prices=prices_of(prices),
    )
    return reproduce_as_asked(request, observer or RunObserver())


@dataclass(frozen=True, slots=True)
class _RecordedRun:
    """The recorded run, and the current plan."""

    run_id: str
    record: RecordDocument
    steps: Steps
    loaded: Pipeline
    plan: Plan
    given: Mapping[str, Any]
    values: Mapping[str, Any]
    overridden: tuple[str, ...]


def reproduce_as_asked(request: ReproductionRequest, observer: RunObserver) -> Reproduction:
    """Perform ``request``; raises the errors of :func:`reproduce`."""
    request.check()
    source = request.source or GivenDefinition(STORED_FILE)
    pipeline, run_id = request.name or source.pipeline_name, new_run_id()
    aws = request.target.connect()
    recording = recording_of(
        request.records,
        request.target,
        aws,
        pipeline,
        run_id,
        source=source,
        cache=False,
        trigger=request.trigger,
    )
    if recording is None:
        what = "a run is made again from its record: add {records} with the location of the records."
        raise RunError(what, records=Argument("records"))
    recorded_run = _read(request, recording, pipeline)
    recorder = replace(recording.recorder, secrets=secrets_of_run(recorded_run.plan, recorded_run.values))
    if request.source is None:
        recorder = replace(recorder, code=())
    inherited = frozenset(recorded_run.values) - frozenset(recorded_run.given)
    recording = replace(recording, recorder=recorder, inherited=inherited, prices=request.prices)

    changes = recorded_run.overridden
    if request.source is not None:
        changes += tuple(_changes(request.source, recorded_run, aws))
    for image in unpinned_images(recorded_run.steps):
        observer.message(f"image {image} is recorded without a digest, so it cannot be compared")
    for line in changes:
        observer.message(line)
    if changes and request.level == "verified":
        return Reproduction(recorded_run.run_id, False, changes=changes)
    work = _work(request, recorded_run, recording, aws)
    if request.source is None:
        s3 = aws.client("s3")
        found = pin(
            recorder,
            recorded_run.plan,
            recorded_run.record,
            recorded_run.steps,
            s3,
            copies=request.copies,
            log=observer.message,
        )
        if not isinstance(found, Pinned):
            return Reproduction(recorded_run.run_id, False, missing=found)
        work = replace(work, recorder=found.recorder, selection=found.selection, overrides=found.overrides)
    result = execute(work, observer)
    return _compared(recorded_run, recording, result, changes, request.tolerance)


def _read(request: ReproductionRequest, recording: Recording, pipeline: str) -> _RecordedRun:
    store = recording.recorder.store
    run_id = run_named(store, pipeline, request.run)
    record = read_record(store, pipeline, run_id)
    steps = steps_of(store, record)
    if request.source is None:
        loaded = load_pipeline(stored_definition(store, record), name=f"the definition of run {run_id}")
    else:
        loaded = request.source.load()
    plan = make_plan(loaded)
    given = typed_values(plan, request.parameters, may_miss=True)
    declared = {parameter.name for parameter in plan.parameters}
    recorded = {name: value for name, value in parameters_of_record(record).items() if name in declared}
    values = values_after(plan, given, recorded)
    return _RecordedRun(run_id, record, steps, loaded, plan, given, values, tuple(_overridden(given, recorded)))


def _work(request: ReproductionRequest, recorded_run: _RecordedRun, recording: Recording, aws: SessionAws) -> Work:
    return Work(
        plan=recorded_run.plan,
        pipeline=recording.recorder.dag_id,
        values=recorded_run.values,
        aws=aws,
        target=request.target,
        before=Continued(recording.recorder.run_id, now()),
        document=recorded_run.loaded.document,
        recorder=recording.recorder,
        recording=recording,
    )


def _changes(source: GivenDefinition, recorded_run: _RecordedRun, aws: SessionAws) -> list[str]:
    """What has changed since the record."""
    s3 = aws.client("s3")
    found = what_changed(
        recorded_run.record,
        recorded_run.steps,
        definition_hash=recorded_run.plan.definition_hash,
        commit=commit_of(source.file) if source.file is not None else None,
        inspect=lambda artifact: fingerprint(s3, artifact),
    )
    return list(found)


def _overridden(given: Mapping[str, object], recorded: Mapping[str, object]) -> list[str]:
    """Parameters that differ from the record; secrets are not recorded and count as equal."""
    return [
        f"{name} {recorded.get(name)!r} -> {value!r}"
        for name, value in given.items()
        if value != recorded.get(name) and MASK not in str(recorded.get(name))
    ]


def _compared(
    recorded_run: _RecordedRun, recording: Recording, result: RunResult, changes: Sequence[str], tolerance: float
) -> Reproduction:
    before = recorded_run.steps
    step_records = {step_record.step: step_record for step_record in recording.recorder.step_records}
    changes = tuple(changes) or tuple(changed_meanwhile(before, step_records))
    ends = {name: step.state for name, step in result.steps.items()}
    after = {
        name: step_records.get(name) or StepRecord(name, step.type, ends.get(name, "")) for name, step in before.items()
    }
    different = tuple(differences(before, after, tolerance))
    return Reproduction(
        recorded_run.run_id,
        reproduced=not different,
        run=result,
        changes=changes,
        differences=different,
        compared=compared(before),
    )
