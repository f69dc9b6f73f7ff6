"""``sagemaker-mlops run``: arguments for :mod:`..runs`, and its output."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ..definition.problems import PipelineError
from ..execution.step_run import now
from ..records.model.prices import read_prices
from ..records.reuse.selective_run import SelectiveRequest
from ..runs.clients import Target
from ..runs.recording import user_name
from ..runs.request import NO_STUBS, WHOLE, RunRequest, check_selective
from ..runs.result import RunResult
from ..runs.run_each import run_each
from ..runs.stubs import StubOptions
from .check import problems_of
from .option_names import in_options
from .output.summary import check_place, write_summary
from .output.terminal import say, say_json
from .parameters import texts_of
from .progress import TerminalObserver
from .run_in_stage import in_stage
from .sources import Source
from .stages import NO_STAGE, StageChoice

NO_RECORDS = "Add --records with the location of the records, and leave out --stubs."
ONE_RUN = "--summary holds one run: leave out --all-branches."


def run_definition(file: Source, parameters: Sequence[str], *, output: str = "text", **how: Any) -> int:
    """Exit code: 0 succeeded, 1 failed, 2 unusable arguments; 128 plus the number of a signal that stopped it.

    output   text or json; json writes only the summary to standard output, for all branches a list of summaries
    how      see :func:`_run`

    A rehearsal of all branches succeeds if only Fail steps failed.
    """
    if output not in ("text", "json"):
        say(f'--format is "{output}"; use text or json.', err=True)
        return 2
    if output == "text":
        return _run(file, parameters, **how)[0]
    with redirect_stdout(sys.stderr):
        code, runs = _run(file, parameters, **how)
    if runs:
        summaries = [run.summary() for run in runs]
        say_json(summaries if len(summaries) > 1 else summaries[0])
    return code


def _run(
    file: Source,
    parameters: Sequence[str],
    *,
    target: Target,
    name: str | None,
    summary: Path | None,
    quiet: bool,
    stubs: StubOptions = NO_STUBS,
    max_parallel_steps: int = 0,
    records: str | None = None,
    cache: bool = True,
    selective: SelectiveRequest = WHOLE,
    prices: Path | None = None,
    publishes: bool = True,
    compare_again: int = 3,
    answers: Mapping[str, str] | None = None,
    stage: StageChoice = NO_STAGE,
) -> tuple[int, list[RunResult]]:
    """Exit code, and the runs; no runs if nothing was started."""
    with TerminalObserver(
        quiet=quiet, again=lambda run_id: f"sagemaker-mlops run {file} --resume {run_id}"
    ) as observer:
        try:
            check_place(summary)
            staged = in_stage(stage, file, target, has_calls=stubs.stubs is None)
            request = RunRequest(
                source=file,
                parameters={**staged.values, **_texts(file, parameters)},
                name=name or staged.name,
                target=staged.target,
                records=staged.records if records is None else records,
                cache=cache,
                selective=selective,
                stubs=stubs,
                max_parallel_steps=max_parallel_steps or staged.max_parallel_steps,
                prices=read_prices(prices) if prices is not None else None,
                publishes=publishes,
                compare_again=compare_again,
                answers=answers_of(answers or {}),
                trigger="cli",
                no_records=NO_RECORDS,
            )
            if not quiet:
                _mention_warnings(file)
            runs = run_each(request, observer)
            runs = runs if stubs.all_branches else runs[-1:]  # of those that compare again, the last one counts
        except PipelineError as error:
            say(error.report_with("nothing was started"), err=True)
            return 2, []
        except ValueError as error:  # the message names its file or option
            say(in_options(error), err=True)
            return 2, []
    if summary is not None:
        try:
            write_summary(runs[-1], summary)
        except OSError as error:
            say(f"--summary {summary} cannot be written: {error.strerror or error}.", err=True)
            return 1, runs
    if stubs.all_branches and not observer.ending.caught:
        return (1 if any(map(failed_otherwise, runs)) else 0), runs
    if runs[-1].status == "Stopped":
        return observer.ending.exit_code or 1, runs
    return (0 if runs[-1].ok else 1), runs


def _mention_warnings(file: Source) -> None:
    """Say that ``check`` has warnings, e.g. of keys that are ignored; a run reports errors itself."""
    count = sum(problem.severity != "error" for problem in problems_of(file))
    if count:
        which = "1 warning, which" if count == 1 else f"{count} warnings, which"
        say(f"{file.name} has {which} sagemaker-mlops check explains.", err=True)


def decisions_of(approve: Sequence[str], reject: Sequence[str]) -> dict[str, str]:
    """{step: Approved or Rejected}.  Raises ``ValueError`` for a step that is to be both."""
    for name in approve:
        if name in reject:
            raise ValueError(f'--approve and --reject both name "{name}"; keep one of them.')
    return {**dict.fromkeys(approve, "Approved"), **dict.fromkeys(reject, "Rejected")}


def answers_of(decisions: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """{step: answer} of this process's user, for {step: Approved or Rejected}."""
    by = {"user": user_name() or "somebody on the command line", "at": now()}
    return {step: {"decision": decision, **by} for step, decision in decisions.items()}


def misfit(selective: SelectiveRequest, stubs: StubOptions, *, has_summary: bool = False) -> str:
    """Why the options cannot be combined; empty if they can."""
    try:
        check_selective(selective)
        stubs.check()
    except ValueError as error:
        return in_options(error)
    return ONE_RUN if has_summary and stubs.all_branches else ""


def failed_otherwise(run: RunResult) -> bool:
    """Whether any step other than a Fail step failed."""
    return any(step.type != "Fail" for step in run.failed_steps)


def branches_of(words: Sequence[str]) -> dict[str, str]:
    """``NAME=if`` and ``NAME=else`` words as ``{name: branch}``.  Raises ``ValueError`` with a sentence."""
    branches: dict[str, str] = {}
    for word in words:
        name, _, which = word.partition("=")
        if which.lower() not in ("if", "else"):
            raise ValueError(f'--branch is "{word}": write NAME=if or NAME=else.')
        if branches.setdefault(name, which).lower() != which.lower():
            raise ValueError(f'--branch gives "{name}" both branches; keep one of them.')
    return branches


def _texts(file: Source, words: Sequence[str]) -> dict[str, str]:
    try:
        return texts_of(words)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None
