"""``sagemaker-mlops run``: the whole pipeline in this process, with live progress."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..definition.problems import PipelineError
from ..execution.identity import StepIdentity
from ..execution.local_executor import PipelineRun, new_run_id
from ..execution.recorder_protocol import StepRecorder
from ..execution.request_overrides import NO_PINS, Pins
from ..execution.scope_values import execution_variables
from ..execution.step_run import ExecutionOptions, now
from ..execution.stubs.generate import Branch
from ..plan import make_plan
from ..plan.model import Plan
from ..plan.selection import Selection, select
from ..records.capture.prices import read_prices
from ..records.capture.recorder import Recorder
from ..records.capture.secrets import secrets_of_run
from ..records.model.errors import RecordError
from ..records.reuse.selective_run import SelectivePlan, SelectiveRequest, make_selective_plan, split_patterns
from ..records.store.unfinished_runs import note_start
from ..runs.clients import connect, started, state_folder
from ..runs.embedded_guard import guarded
from ..runs.publishing import publish, script_of
from .live import Live
from .parameters import parse_values, values_after
from .recording import Recording, recording_of
from .resuming import Continued, continued, left_by, start_of, stop_jobs_of
from .selective import NO_RECORDS, announce
from .signals import Ending
from .sources import STDIN, Source
from .stubs import Rehearsal
from .summary import check_place, print_summary, summary_of, write_summary
from .terminal import hide, say, say_json

WHOLE = SelectiveRequest()
NO_REHEARSAL = Rehearsal()
LONGEST_ID = 250  # of a DAG


def run_definition(file: Source, parameters: Sequence[str], *, output: str = "text", **how: Any) -> int:
    """Exit code: 0 succeeded, 1 failed, 2 unusable arguments; 128 and the number of a signal that stopped it.

    output   text, or json: then the summary alone goes to standard output, a list for a rehearsal of all branches
    how      see :func:`_run`

    A rehearsal of all branches has succeeded when nothing but Fail steps failed.
    """
    if output not in ("text", "json"):
        say(f'--format is "{output}"; use text or json.', err=True)
        return 2
    if output == "text":
        return _run(file, parameters, **how)[0]
    with redirect_stdout(sys.stderr):
        code, runs = _run(file, parameters, **how)
    if runs:
        summaries = [summary_of(run) for run in runs]
        say_json(summaries if len(summaries) > 1 else summaries[0])
    return code


def _run(
    file: Source,
    parameters: Sequence[str],
    *,
    conn: str | None,
    region: str | None,
    name: str | None,
    summary: Path | None,
    state_dir: Path | None,
    quiet: bool,
    rehearsal: Rehearsal = NO_REHEARSAL,
    most: int = 0,
    records: str | None = None,
    cache: bool = True,
    choice: SelectiveRequest = WHOLE,
    prices: Path | None = None,
    publishes: bool = True,
) -> tuple[int, list[PipelineRun]]:
    """Exit code, and the runs; none where nothing was started."""
    try:
        loaded = file.load()
        plan = make_plan(loaded)
        values = _values_of(plan, file, parameters, choice)
        pipeline, run_id = name or name_of(file), new_run_id()
        choices = rehearsal.choices(plan, values)
        rehearsal.table(plan, choices[0], values, {})  # what is wrong with it is told before anything is started
        costs = read_prices(prices) if prices is not None else None
        check_place(summary)
        aws = connect(conn, region, state_dir)
        recording = None
        if rehearsal.stand_ins is None:  # what was made up is no success of a step
            recording = recording_of(records, conn, state_dir, aws, pipeline, run_id, source=file, cache=cache)
            recording = recording.prepared(loaded.document, secrets_of_run(plan, values)) if recording else None
        begin = _beginning(plan, pipeline, Continued(run_id, now()), values, choice, recording, aws)
        if publishes and conn is None and rehearsal.stand_ins is None:
            publish_for(file, started(state_dir))
    except PipelineError as error:
        say(error.told("nothing was started"), err=True)
        return 2, []
    except ValueError as error:  # it names its own file or option
        say(str(error), err=True)
        return 2, []
    recording, part, before = begin.recording, begin.part, begin.before
    if recording:
        note_start_of(recording.recorder, plan, before.started, begin.values)
    with Ending() as ending:
        runs = run_choices(
            rehearsal,
            choices,
            plan,
            pipeline,
            begin.values,
            aws=aws,
            quiet=quiet,
            state_dir=state_folder(state_dir) if conn is None else None,
            most=most,
            recorder=begin.recorder,
            selection=part.selection if part else None,
            before=before,
            ending=ending,
            again=f"sagemaker-mlops run {file} --resume {before.run_id}" if recording else "",
        )
        run = runs[-1]
        if recording:
            inherited = frozenset(part.inherited if part else before.inherited) - frozenset(values)
            replace(recording, inherited=inherited, prices=costs).seal(run, loaded.document)
    if summary is not None:
        try:
            write_summary(run, summary)
        except OSError as error:
            say(f"--summary {summary} cannot be written: {error.strerror or error}.", err=True)
            return 1, runs
    if rehearsal.all and not ending.caught:
        return (1 if any(map(failed_otherwise, runs)) else 0), runs
    return exit_code_of(run, ending), runs


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What a run begins with: on its own, as a part on results of another run, or where an earlier process left it."""

    before: Continued
    values: dict[str, Any]
    recording: Recording | None = None
    recorder: Any = None
    part: SelectivePlan | None = None


def _beginning(
    plan: Plan,
    pipeline: str,
    new: Continued,
    given: dict[str, Any],
    choice: SelectiveRequest,
    recording: Recording | None,
    aws: Any,
) -> _Beginning:
    """How the run begins.  Raises ``ValueError`` for a part that cannot be run, or records that cannot be read."""
    recorder = recording.recorder if recording else None
    if choice.is_all:
        return _Beginning(new, given, recording, recorder)
    left = left_by(recorder.store, pipeline, choice.resume) if recorder and choice.resume else None
    same = continued(left, plan, given) if left else None
    if same is not None and recording and recorder:
        values = values_after(plan, given, same.inherited)
        recorder = replace(recorder, run_id=same.run_id, step_records=[*same.step_records])
        say(same.line())
        return _Beginning(same, values, replace(recording, recorder=recorder), recorder)
    known: dict[str, Any] = {"store": recorder.store, "inspect": recorder.inspect} if recorder else {}
    if left is not None:
        stop_jobs_of(left, plan, pipeline, aws)
        known["source"] = left.as_source(plan)
    part = make_selective_plan(choice, plan, pipeline, **known, no_records=NO_RECORDS)
    values = values_after(plan, given, part.inherited)
    announce(part, values)
    return _Beginning(new, values, recording, part.recorder(recorder) if recorder else None, part)


def _values_of(plan: Plan, file: Source, parameters: Sequence[str], choice: SelectiveRequest) -> dict[str, Any]:
    """The values given.  Raises ``ValueError`` for them, and for a selection that names no steps."""
    try:
        values = parse_values(plan, parameters, may_miss=bool(choice.resume))
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None
    if choice.patterns:
        select(plan, split_patterns(choice.patterns))  # told before anything is started for it
    return values


def publish_for(source: Source, running: Any) -> None:
    """Run the ``publish.py`` beside a definition, if there is one.  Raises :class:`NotPublished`."""
    script = None if source.given == STDIN else script_of(source.file.parent)
    if script is not None:
        done = publish(script, running)
        say(f"{script} published {len(done)} objects and functions", err=True)


def exit_code_of(run: PipelineRun, ending: Ending) -> int:
    """0 when the run ended well, 1 when it failed or was stopped, 128 and the signal's number when that stopped it."""
    if run.status == "Stopped":
        return ending.exit_code or 1
    return 1 if run.status == "Failed" else 0


def note_start_of(recorder: Recorder, plan: Plan, started: str, values: Mapping[str, Any]) -> None:
    """Keep what the run begins with, so that it can be resumed should this process be killed."""
    start = start_of(plan, recorder.run_id, started, values)
    try:
        note_start(recorder.store, recorder.dag_id, start, recorder.secrets)
    except RecordError as error:
        say(f"the run could not be resumed if this process were killed: {error}", err=True)


def run_choices(
    rehearsal: Rehearsal,
    choices: Sequence[dict[str, Branch]],
    plan: Plan,
    pipeline: str,
    values: dict[str, Any],
    *,
    aws: Any,
    before: Continued,
    ending: Ending,
    **how: Any,
) -> list[PipelineRun]:
    """A run of ``plan`` for each of ``choices``, the first as ``before`` has it; ``how`` is for :func:`run_plan`."""
    runs: list[PipelineRun] = []
    for taken in choices:
        own = Continued(new_run_id(), now()) if runs else before
        variables = execution_variables(StepIdentity(pipeline, "", pipeline, own.run_id, ""), aws.region)
        rehearsal.write_files(aws, plan, taken, values, variables)
        if rehearsal.all:
            say(rehearsal.heading(taken))
        table = rehearsal.table(plan, taken, values, variables)
        runs.append(
            run_plan(
                plan,
                pipeline,
                values,
                aws=aws,
                run_id=own.run_id,
                before=own,
                ending=ending,
                stand_ins=table,
                **how,
            )
        )
        print_summary(runs[-1])
        if ending.caught:
            break
    return runs


def failed_otherwise(run: PipelineRun) -> bool:
    """Whether a step failed that is no Fail step."""
    return any(step.state in ("Failed", "Stopped") and step.type != "Fail" for step in run.steps.values())


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
    before: Continued | None = None,
    ending: Ending | None = None,
    again: str = "",
) -> PipelineRun:
    """Run ``plan`` to its end, showing how it goes; ``state_dir`` is that of the embedded AWS when it runs there.

    before   start of the run, and what an earlier process of it left
    ending   handles signals, already entered; without one the run handles them itself
    again    command that goes on with the run should somebody leave it
    """
    hide(secrets_of_run(plan, values))
    run_id = run_id or new_run_id()
    before = before or Continued(run_id, now())
    from ..execution.callback_inbox import MemoryMailbox
    from ..runs.callback_inbox import LocalMailbox

    # On this machine looking costs nothing; on AWS a step is looked at as seldom as under Airflow.
    options = ExecutionOptions(
        poll_interval_s=30.0 if state_dir is None else 1.0, logs="live", stand_ins=stand_ins or {}, pins=pins
    )
    with ExitStack() as stack:
        ending = ending or stack.enter_context(Ending())
        live = stack.enter_context(Live(quiet=quiet))
        run = PipelineRun(
            plan=plan,
            pipeline=pipeline,
            run_id=run_id,
            started=before.started,
            finished=before.finished,
            retried=before.retried,
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
        asyncio.run(_drive(run, ending, live, state_dir, again))
    return run


async def _drive(run: PipelineRun, ending: Ending, live: Live, state_dir: Path | None, again: str) -> None:
    async with guarded(run, state_dir, live.say):
        await ending.drive(run, again)


def name_of(source: Source) -> str:
    """A name for the pipeline of ``source``: the one its code gives it, else that of its file."""
    return dag_id_like(source.own_name) if source.own_name else pipeline_name(source.file)


def pipeline_name(file: Path) -> str:
    """A name for a pipeline that has only a file: its own, or its folder's when it says nothing; fit for a DAG's id."""
    stem = "pipeline" if str(file) == STDIN else file.stem
    return dag_id_like(file.absolute().parent.name if stem in ("definition", "pipeline") else stem)


def dag_id_like(text: str) -> str:
    """``text`` as an id that Airflow takes: letters, digits, dashes, dots and underscores, at most 250."""
    return re.sub(r"[^\w.-]+", "_", text)[:LONGEST_ID] or "pipeline"
