"""The summary of a finished run: tables for people, JSON for a file."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ...execution.local_executor import PipelineRun, StepProgress
from ...runs.result import RunResult
from .live import MARKS, seconds, word_of
from .terminal import say, say_about, say_styled, say_table, write_file


def check_place(file: Path | None) -> None:
    """Raise ``ValueError`` if the summary cannot be written to ``file``; called before anything is run."""
    if file is None:
        return
    what, whole = "", file.absolute()
    try:
        nearest = next(path for path in (whole, *whole.parents) if path.exists())
        if whole.is_dir():
            what = "it is a folder"
        elif nearest != whole and not nearest.is_dir():
            what = f"{nearest} is not a folder"
    except OSError as error:
        what = error.strerror or str(error)
    if what:
        raise ValueError(f"--summary {file} cannot be written: {what}.")


def write_summary(run: RunResult, file: Path) -> None:
    """Write the summary as JSON."""
    write_file(file, json.dumps(run.summary(), indent=2, ensure_ascii=False) + "\n")


def print_summary(run: PipelineRun) -> None:
    """Print the tables (steps, metrics, decisions, models) and the failures."""
    rows = []
    for step in run.steps.values():
        mark, style = MARKS[step.state]
        took = f"{seconds(step):.1f} s" if step.ended else ""
        rows.append(
            [(step.name, ""), (step.type, ""), (f"{mark} {word_of(step)}", style), (took, ""), (_outcome(step), "")]
        )
    heads = ("Step", "Type", "State", "Time", "Outcome")
    say_table(heads, rows, f"{run.pipeline}  {run.status}", right=("Time",))
    for step in run.steps.values():
        if step.result and "Decision" in step.result:
            say_about(step.name, step.result["Decision"]["Sentence"])
    for step in run.steps.values():
        if step.report and step.state == "Failed":
            say_styled(f"\n{step.name} failed:", "bold red")
            say(step.report)
            say(f"Full log: sagemaker-mlops logs {run.run_id} {shlex.quote(step.name)}")


def _outcome(step: StepProgress) -> str:
    """The most informative result of a step, in a few words."""
    result = step.result or {}
    if step.error:
        return cause_of(step)
    if "Loop" in result:
        return f"{result['Loop']['InputItemCount']} items, {result['Loop']['SucceededStepCount']} steps succeeded"
    if "Metrics" in result:
        return ", ".join(f"{name} {value:.4g}" for name, value in result["Metrics"].items())
    if "Decision" in result:
        decision = result["Decision"]
        return str(decision.get("Verdict") or str(bool(decision["Outcome"])).lower())
    outputs = (result.get("Properties") or {}).get("OutputParameters")
    if outputs:
        return ", ".join(f"{name} = {value}" for name, value in outputs.items())
    return str(result.get("Arn") or "").rpartition(":")[2] or str(result.get("Name") or "")


def cause_of(step: StepProgress) -> str:
    """Why a step failed, in one line: the first of its failure report, if there is one."""
    return step.report.partition("\n")[0] or step.error
