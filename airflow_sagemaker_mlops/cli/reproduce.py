"""``sagemaker-mlops reproduce``: a recorded run once more, and whether the same came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..definition import load_pipeline
from ..definition.problems import PipelineError
from ..execution.local_executor import new_run_id
from ..execution.request_overrides import NO_PINS
from ..execution.secret_masking import MASK
from ..plan import make_plan
from ..plan.model import Plan
from ..records.capture.fingerprint import fingerprint
from ..records.capture.git_commit import commit_of
from ..records.capture.prices import read_prices
from ..records.capture.secrets import secrets_of_run
from ..records.model.errors import RecordError
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
from ..records.store.reader import read_record, run_named, steps_of
from ..runs.clients import connect, state_folder
from .parameters import parse_values, values_after
from .reproduce_pinned import pin
from .run import pipeline_name, run_plan
from .sources import Source
from .summary import print_summary
from .terminal import say

LEVELS = ("parameters", "verified")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made again.

    run         of which run: an id, its beginning, "latest"
    file        its definition as it is now; ``None`` for the stored one
    level       "parameters": run whatever has changed; "verified": run only when nothing has; with the stored
                definition everything from outside is as it was
    tolerance   up to which metrics count as equal, relative
    copies      where recorded versions of changed inputs are copied to, ``s3://bucket/prefix``
    prices      file with prices of instances
    """

    run: str
    file: Path | None
    name: str | None = None
    level: str = "verified"
    parameters: Sequence[str] = ()
    tolerance: float = 1e-9
    copies: str = ""
    prices: Path | None = None

    def problem(self) -> str:
        """Why it cannot be tried; empty when it can."""
        if self.level not in LEVELS:
            return f'--level is "{self.level}"; use {" or ".join(LEVELS)}.'
        if self.file is None and self.level == "parameters":
            return "--pin takes everything as it was recorded, so there is no --level parameters. Leave one out."
        if self.copies and (self.file is not None or not self.copies.startswith("s3://")):
            return f'--copies "{self.copies}" says where --pin copies recorded versions to: s3://bucket/prefix.'
        if self.file is None and self.name is None:
            return "the stored definition says nothing of the pipeline's name: add --name."
        return ""


def reproduce(
    wish: Wish, *, conn: str | None, region: str | None, state_dir: Path | None, records: str | None, quiet: bool
) -> int:
    """Exit code: 0 reproduced, 1 not, 2 unusable arguments."""
    if wish.problem():
        say(wish.problem(), err=True)
        return 2
    try:
        return _reproduce(wish, conn, region, state_dir, records, quiet)
    except PipelineError as error:
        say(error.told("nothing was started"), err=True)
        return 2
    except (RecordError, ValueError) as error:
        say(str(error), err=True)
        return 2


def _reproduce(
    wish: Wish, conn: str | None, region: str | None, state_dir: Path | None, records: str | None, quiet: bool
) -> int:
    from .recording import recording_of

    pipeline, run_id = wish.name or pipeline_name(wish.file or Path()), new_run_id()
    aws = connect(conn, region, state_dir)
    source_file = Source(str(wish.file or "definition.json"))
    recording = recording_of(records, conn, state_dir, aws, pipeline, run_id, source=source_file, cache=False)
    prices = read_prices(wish.prices) if wish.prices is not None else None
    if recording is None:
        raise RecordError("a run is made again from its record: add --records with the location of the records.")
    store = recording.recorder.store
    source = run_named(store, pipeline, wish.run)
    record = read_record(store, pipeline, source)
    steps = steps_of(store, record)
    if wish.file is None:
        recording = replace(recording, recorder=replace(recording.recorder, code=()))
        loaded = load_pipeline(stored_definition(store, record), name=f"the definition of run {source}")
    else:
        loaded = load_pipeline(wish.file)
    plan = make_plan(loaded)
    given = parse_values(plan, wish.parameters, may_miss=True)
    declared = {parameter.name for parameter in plan.parameters}
    recorded = {name: item["value"] for name, item in record["externalParameters"].items() if name in declared}
    values = values_after(plan, given, recorded)
    recording = replace(recording, recorder=replace(recording.recorder, secrets=secrets_of_run(plan, values)))

    s3 = aws.client("s3")
    changed = _overridden(given, recorded)
    if wish.file is not None:
        changed += _changes(wish.file, record, steps, plan, s3)
    for image in unpinned_images(steps):
        say(f"image {image} is recorded without a digest: whether it is the same cannot be told")
    for line in changed:
        say(line)
    if changed and wish.level == "verified":
        say(f"nothing was started: run {source} cannot be made again as it was. --level parameters tries it.")
        return 1
    pinned = None
    if wish.file is None:
        pinned = pin(recording.recorder, plan, record, steps, s3, copies=wish.copies)
        if pinned is None:
            return 1
    run = run_plan(
        plan,
        pipeline,
        values,
        aws=aws,
        quiet=quiet,
        state_dir=state_folder(state_dir) if conn is None else None,
        run_id=run_id,
        recorder=pinned.recorder if pinned else recording.recorder,
        selection=pinned.selection if pinned else None,
        pins=pinned.pins if pinned else NO_PINS,
    )
    print_summary(run)
    replace(recording, inherited=frozenset(values) - frozenset(given), prices=prices).seal(run, loaded.document)
    after = {step_record.step: step_record for step_record in recording.recorder.step_records}
    changed = changed or list(changed_meanwhile(steps, after))
    ends = {name: step.state for name, step in run.steps.items()}
    return _verdict(source, steps, after, ends, changed, wish.tolerance)


def _changes(file: Path, record: Mapping[str, Any], steps: Steps, plan: Plan, s3: Any) -> list[str]:
    """What has changed since the record."""
    found = what_changed(
        record,
        steps,
        definition_hash=plan.definition_hash,
        commit=commit_of(file),
        look=lambda artifact: fingerprint(s3, artifact),
    )
    return list(found)


def _overridden(given: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    """Parameters that are not as recorded; a secret, which the record does not have, counts as the same."""
    return [
        f"{name} {recorded.get(name)!r} -> {value!r}"
        for name, value in given.items()
        if value != recorded.get(name) and MASK not in str(recorded.get(name))
    ]


def _verdict(
    source: str, before: Steps, after: Steps, ends: Mapping[str, str], changed: Sequence[str], tolerance: float
) -> int:
    now = {name: after.get(name) or StepRecord(name, was.type, ends.get(name, "")) for name, was in before.items()}
    different = differences(before, now, tolerance)
    if different:
        say(f"run {source} differs: {'; '.join(different)}")
        say(f"because {'; '.join(changed) or 'of something that is not in the record'}")
        return 1
    number = compared(before)
    if not number:
        say(f"run {source}: every step ended the same way, and none has metrics or decisions to compare")
        return 0
    say(f"reproduced: run {source}, {number} values of metrics and decisions equal within {tolerance:g}")
    return 0
