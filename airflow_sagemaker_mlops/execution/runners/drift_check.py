"""x-drift-check: a job that compares data with a baseline.  Rules: docs/language/steps/drift-check.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...definition.drift_check import (
    DRIFT,
    FAIL_OPTION,
    NO_BASELINE,
    drift_fails,
    place_below,
    settings_problems,
)
from ...definition.verdict_job import Program
from ..exceptions import StepFailed
from ..step_run import StepResult, StepRun, Submitted
from .verdict import Resolved, VerdictRunner, resolved_key

MAX_FINDINGS = 100  # that a result carries; the report has all
_PICTURE = ("labels", "baseline", "current")
_KEYS = ("Rules", "Columns", "NoBaseline", "FailOnDrift")


class DriftCheckRunner(VerdictRunner):
    """Compares data with a baseline."""

    kind = DRIFT

    def resolved(self, run: StepRun) -> Resolved:
        """The program, and whether drift fails the step."""
        from ...drift.settings import never

        keys = {key: resolved_key(run, key) for key in _KEYS}
        problems = [
            f"{place_below(key, one.place)}: {one.what} {one.fix}".strip()
            for key, one in settings_problems(keys, never)
        ]
        if keys["NoBaseline"] not in (None, *NO_BASELINE):
            problems.append(f"NoBaseline is {keys['NoBaseline']!r}; it is one of {', '.join(NO_BASELINE)}.")
        fails = str(drift_fails(keys)).lower()
        if fails not in ("true", "false"):
            problems.append(f"FailOnDrift is {keys['FailOnDrift']!r}; it is true or false.")
        if problems:
            raise StepFailed(f'Step "{run.identity.step}": {" ".join(problems)}')
        program = DRIFT.program_of(keys)
        # The step fails here instead of its job, so that report and profile are kept.
        options = {name: value for name, value in program.options.items() if name != FAIL_OPTION}
        return Resolved(Program(program.settings, options), {"fails": fails})

    def decision_of(self, report: Mapping[str, Any], uri: str) -> dict[str, Any]:
        """The verdict with its findings, those of another verdict than stable first."""
        findings = [dict(finding) for finding in report.get("findings") or [] if isinstance(finding, Mapping)]
        findings.sort(key=lambda finding: finding.get("verdict") == "stable")
        kept = [_without_picture(finding) for finding in findings[:MAX_FINDINGS]]
        return {
            "Outcome": report["verdict"] == "stable",
            "Verdict": report["verdict"],
            "Sentence": report["sentence"],
            "Terms": [_term(finding) for finding in kept],
            "Report": uri,
            "Records": report.get("records"),
            "BaselineRecords": report.get("baseline_records"),
            "Findings": kept,
        }

    def why_it_fails(self, run: StepRun, properties: Mapping[str, object]) -> str:
        """A stub's drift fails the step as a report's does."""
        fails = str(resolved_key(run, "FailOnDrift")).lower() == "true"
        return str(properties.get("Sentence") or "drift") if fails and properties.get("Verdict") == "drift" else ""

    def judged(self, run: StepRun, job: Submitted, report: Mapping[str, object], result: StepResult) -> StepResult:
        """The result; :class:`StepFailed` with it for drift, if that fails the step."""
        if report["verdict"] != "drift" or job.facts.get("fails") != "true":
            return result
        failed = StepFailed(f'Step "{run.identity.step}": {report["sentence"]}')
        failed.result = replace(result, status="Failed").as_json()
        failed.details = "\n".join([str(failed), *_pictures(report)])
        raise failed


def _pictures(report: Mapping[str, object]) -> list[str]:
    from ...drift.picture import picture
    from ...drift.report import DriftReport

    try:
        return picture(DriftReport.from_json(report))
    except ValueError:  # of another version of the program
        return []


def _without_picture(finding: dict[str, Any]) -> dict[str, Any]:
    """``finding``; the shares behind it only if it is drawn."""
    return finding if finding.get("verdict") != "stable" else {**finding, **{key: [] for key in _PICTURE}}


def _term(finding: Mapping[str, object]) -> dict[str, Any]:
    column = f" ({finding['column']})" if finding.get("column") else ""
    value, limit, holds = finding.get("value"), finding.get("limit"), finding.get("verdict") == "stable"
    op = "holds"
    if isinstance(value, int | float) and isinstance(limit, int | float):  # only a number of records has a least one
        op = ">=" if finding.get("check") == "records" and (value >= limit) is holds else "<="
    return {
        "Text": f"{finding.get('check', '')}{column}",
        "Op": op,
        "Left": value,
        "Right": limit,
        "Result": holds,
    }
