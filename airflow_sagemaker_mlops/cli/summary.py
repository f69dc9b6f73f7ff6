"""What a run was, at its end: tables for people, JSON for programs.  Both say the same."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from ..execution.local_executor import PipelineRun, StepProgress
from ..execution.secret_masking import mask, without
from ..records.capture.secrets import secrets_of_run
from .live import MARKS, seconds, word_of
from .terminal import say, say_about, say_styled, say_table


def summary_of(run: PipelineRun) -> dict[str, Any]:
    """The run as plain data: status, steps, decisions, models, endpoints, ``jobs_started``; without secrets."""
    secrets = secrets_of_run(run.plan, run.parameters)
    steps = [_step(step) for step in run.steps.values()]
    whole = {
        "pipeline": run.pipeline,
        "run_id": run.run_id,
        "status": run.status,
        "started": run.started,
        "ended": run.ended,
        "definition_hash": run.plan.definition_hash,
        "parameters": _parameters(run),
        "steps": [{**step, **mask({key: step[key] for key in ("outputs", "error")}, {*secrets})} for step in steps],
        "decisions": [
            mask(_decision(step), {*secrets})
            for step in run.steps.values()
            if step.result and "Decision" in step.result
        ],
        "models": [_model(step) for step in run.steps.values() if step.type == "RegisterModel" and step.result],
        "endpoints": [step.result["Name"] for step in run.steps.values() if step.type == "Endpoint" and step.result],
        "jobs_started": sum(step.jobs_started for step in run.steps.values()),
    }
    return dict(without(whole, secrets))


def _parameters(run: PipelineRun) -> dict[str, Any]:
    return dict(mask({p.name: run.parameters.get(p.name, p.default) for p in run.plan.parameters}))


def _step(step: StepProgress) -> dict[str, Any]:
    result = step.result or {}
    return {
        "name": step.name,
        "type": step.type,
        "status": step.state,
        "job_name": result.get("Name") or step.facts.get("name"),
        "started": step.started,
        "ended": step.ended,
        "seconds": round(seconds(step), 3) if step.ended else None,
        "reused": bool(result.get("Reused", False)),
        "metrics": result.get("Metrics", {}),
        "outputs": (result.get("Properties") or {}).get("OutputParameters", {}),
        "error": step.error or None,
    }


def _decision(step: StepProgress) -> dict[str, Any]:
    decision = (step.result or {})["Decision"]
    return {
        "step": step.name,
        "outcome": decision["Outcome"],
        "sentence": decision["Sentence"],
        "terms": [{key.lower(): value for key, value in term.items()} for term in decision["Terms"]],
    }


def _model(step: StepProgress) -> dict[str, Any]:
    result = step.result or {}
    return {"step": step.name, "model_package_arn": result.get("Arn")}


def check_place(file: Path | None) -> None:
    """Raise ``ValueError`` for a file that the summary cannot be written to, before anything is run for it."""
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        what = "it is a folder" if file.is_dir() else f"there is no folder {file.parent}"
        raise ValueError(f"--summary {file} cannot be written: {what}.")


def write_summary(run: PipelineRun, file: Path) -> None:
    """Write the summary as JSON."""
    file.write_text(json.dumps(summary_of(run), indent=2, ensure_ascii=False) + "\n")


def print_summary(run: PipelineRun) -> None:
    """Print the tables: steps, metrics, decisions, models; then why steps failed."""
    rows = []
    for step in run.steps.values():
        mark, style = MARKS[step.state]
        took = f"{seconds(step):.1f} s" if step.ended else ""
        rows.append(
            [(step.name, ""), (step.type, ""), (f"{mark} {word_of(step)}", style), (took, ""), (_outcome(step), "")]
        )
    heads = ("Step", "Type", "State", "Time", "What came of it")
    say_table(heads, rows, f"{run.pipeline}  {run.status}", right=("Time",))
    for step in run.steps.values():
        if step.result and "Decision" in step.result:
            say_about(step.name, step.result["Decision"]["Sentence"])
    for step in run.steps.values():
        if step.report and step.state == "Failed":
            say_styled(f"\n{step.name} failed:", "bold red")
            say(step.report)
            say(f"All of its lines: sagemaker-mlops logs {run.run_id} {shlex.quote(step.name)}")


def _outcome(step: StepProgress) -> str:
    """The most telling thing about a step, in a few words."""
    result = step.result or {}
    if step.error:
        return cause_of(step)
    if "Loop" in result:
        return f"{result['Loop']['InputItemCount']} items, {result['Loop']['SucceededStepCount']} steps succeeded"
    if "Metrics" in result:
        return ", ".join(f"{name} {value:.4g}" for name, value in result["Metrics"].items())
    if "Decision" in result:
        return "true" if result["Decision"]["Outcome"] else "false"
    outputs = (result.get("Properties") or {}).get("OutputParameters")
    if outputs:
        return ", ".join(f"{name} = {value}" for name, value in outputs.items())
    return str(result.get("Arn") or "").rpartition(":")[2] or str(result.get("Name") or "")


def cause_of(step: StepProgress) -> str:
    """Why a step failed, in a line: the report's first, where there is one."""
    return step.report.partition("\n")[0] or step.error
