"""``sagemaker-mlops run``: the whole pipeline in this process, with live progress."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..document import load_pipeline
from ..document.problems import PipelineError, did_you_mean
from ..execution.pins import NO_PINS, Pins
from ..execution.pipeline_run import PipelineRun, new_run_id
from ..execution.recording import StepRecorder
from ..execution.step_run import ExecutionOptions
from ..plan import make_plan
from ..plan.model import Plan
from ..plan.selection import Selection, select
from ..record.partial import Choice, part_of, words_of
from ..record.prices import read_prices
from .aws import connect
from .local import state_folder
from .parameters import parse_values, values_after
from .records_text import safe
from .selective import NO_RECORDS, announce
from .summary import check_place, print_summary, write_summary

WHOLE = Choice()
LONGEST_ID = 250  # of a DAG


def run_definition(
    file: Path,
    parameters: Sequence[str],
    *,
    conn: str | None,
    region: str | None,
    name: str | None,
    summary: Path | None,
    state_dir: Path | None,
    quiet: bool,
    stand_ins: str | None = None,
    most: int = 0,
    records: str | None = None,
    cache: bool = True,
    choice: Choice = WHOLE,
    prices: Path | None = None,
) -> int:
    """Exit code: 0 succeeded, 1 failed, 2 unusable arguments."""
    try:
        loaded = load_pipeline(file)
        plan = make_plan(loaded)
        values = parse_values(plan, parameters, may_miss=bool(choice.resume))
        if choice.patterns:
            select(plan, words_of(choice.patterns))  # told before anything is started for it
    except PipelineError as error:
        print(error.told("nothing was started"), file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"{file}: {error}", file=sys.stderr)
        return 2
    pipeline, run_id = name or pipeline_name(file), new_run_id()
    recording = None
    try:
        table = read_stand_ins(plan, stand_ins)
        costs = read_prices(prices) if prices is not None else None
        check_place(summary)
        aws = connect(conn, region, state_dir)
        if stand_ins is None:  # what was made up is no success of a step
            from ..record.secrets import secrets_of_run
            from .recording import recording_of

            recording = recording_of(records, conn, state_dir, aws, pipeline, run_id, file=file, cache=cache)
            recording = recording.prepared(loaded.document, secrets_of_run(plan, values)) if recording else None
    except ValueError as error:  # it names its own file or option
        print(safe(str(error)), file=sys.stderr)
        return 2
    recorder: Any = recording.recorder if recording else None
    given = frozenset(values)
    try:
        part = None
        if not choice.is_all:
            known = {"store": recorder.store, "look": recorder.look} if recorder else {}
            part = part_of(choice, plan, pipeline, **known, no_records=NO_RECORDS)
            values = values_after(plan, values, part.inherited)
            recorder = part.recorder(recorder) if recorder else None
            announce(part, plan, values)
    except ValueError as error:  # a selection that cannot be run, or records that cannot be read
        print(safe(str(error)), file=sys.stderr)
        return 2
    run = run_plan(
        plan,
        pipeline,
        values,
        aws=aws,
        quiet=quiet,
        state_dir=state_folder(state_dir) if conn is None else None,
        stand_ins=table,
        most=most,
        run_id=run_id,
        recorder=recorder,
        selection=part.selection if part else None,
    )
    print_summary(run)
    if recording:
        recording = replace(recording, inherited=frozenset(part.inherited if part else ()) - given, prices=costs)
        recording.seal(run, loaded.document)
    if summary is not None:
        try:
            write_summary(run, summary)
        except OSError as error:
            print(safe(f"--summary {summary} cannot be written: {error.strerror or error}."), file=sys.stderr)
            return 1
    return 1 if run.status == "Failed" else 0


def read_stand_ins(plan: Plan, given: str | None) -> dict[str, Any]:
    """The stand-ins of a file, or made up for the whole plan when ``given`` is "auto".

    Raises ``ValueError`` for a file that cannot be read, or that names a step there is not.
    """
    if given is None:
        return {}
    from ..execution.rehearsal import made_up
    from ..execution.stand_in import read_file
    from ..steps.catalogue import STEP_TYPES

    if given == "auto":
        return made_up(plan)
    table = read_file(Path(given))
    named = [task for task in plan.tasks if task.step_type in STEP_TYPES]  # gates and the verdict are no steps
    steps = {name for task in named for name in (task.task_id, *(task.spec.get("Body") or {}))}
    for name in table:
        if name != "*" and name.rpartition("-")[0] not in steps and name not in steps:
            raise ValueError(f'{given}: no step is called "{name}". {did_you_mean(name, steps)}'.strip())
    return table


def run_plan(
    plan: Plan,
    pipeline: str,
    values: dict[str, Any],
    *,
    aws: Any,
    quiet: bool = False,
    state_dir: Path | None = None,
    stand_ins: dict[str, Any] | None = None,
    most: int = 0,
    run_id: str = "",
    recorder: StepRecorder | None = None,
    selection: Selection | None = None,
    pins: Pins = NO_PINS,
) -> PipelineRun:
    """Run ``plan`` to its end, showing how it goes; ``state_dir`` is that of the embedded AWS when it runs there."""
    from ..execution.mailbox import MemoryMailbox
    from .live import Live
    from .mailbox import LocalMailbox

    # On this machine looking costs nothing; on AWS a step is looked at as seldom as under Airflow.
    options = ExecutionOptions(
        poll_interval_s=30.0 if state_dir is None else 1.0, logs="live", stand_ins=stand_ins or {}, pins=pins
    )
    with Live(quiet=quiet) as live:
        run = PipelineRun(
            plan=plan,
            pipeline=pipeline,
            run_id=run_id or new_run_id(),
            aws=aws,
            parameters=values,
            options=options,
            notify=live.changed,
            most=most,
            recorder=recorder,
            selection=selection,
            mailbox=MemoryMailbox() if state_dir is None else LocalMailbox(state_dir),
        )
        live.begin(run)
        asyncio.run(run.run())
    return run


def pipeline_name(file: Path) -> str:
    """A name for a pipeline that has only a file: its own, or its folder's when it says nothing; fit for a DAG's id."""
    stem = file.stem
    return dag_id_like(file.absolute().parent.name if stem in ("definition", "pipeline") else stem)


def dag_id_like(text: str) -> str:
    """``text`` as an id that Airflow takes: letters, digits, dashes, dots and underscores, at most 250."""
    return re.sub(r"[^\w.-]+", "_", text)[:LONGEST_ID] or "pipeline"
