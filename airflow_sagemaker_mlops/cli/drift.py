"""``sagemaker-mlops drift check``: today's data and a baseline in, verdict out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..drift.report import DRIFT, INCONCLUSIVE, STABLE, DriftReport
from ..gate.problems import InvalidRules
from .output.terminal import say, say_json, say_styled, write_out
from .rule_files import Refused, read_rule_file

BAD_INPUT = 2
BAR = 40  # characters of the longest bar
MOST_PICTURES = 3
_STYLES = {STABLE: "bold green", DRIFT: "bold red", INCONCLUSIVE: "bold yellow"}


def check_files(data: Path, baseline: Path, rules: Path | None, *, noun: str, output: str, profile: Path | None) -> int:
    """Exit code: 0 stable, 3 drift, 4 inconclusive, 2 for what cannot be judged."""
    if output not in ("text", "json"):
        say(f'--format is "{output}"; use text or json.', err=True)
        return BAD_INPUT
    try:
        from ..drift.job import check
        from ..drift.table import BadData
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("numpy", "scipy", "pandas"):
            raise
        say(f"{error.name} is not installed: pip install 'airflow-sagemaker-mlops[local]'.", err=True)
        return BAD_INPUT
    try:
        settings = {} if rules is None else read_rule_file(rules, settings_of)
        report, kept = check(data, baseline, settings, noun=noun)
    except (Refused, BadData) as error:
        say(error, err=True)
        return BAD_INPUT
    if profile is not None and write_out(json.dumps(kept.to_json(), indent=1) + "\n", profile):
        return BAD_INPUT
    if output == "json":
        say_json(report.to_json())
    else:
        _say_report(report)
    return report.exit_code


def settings_of(value: object) -> Mapping[str, Any]:
    """``{"Rules": …, "Columns": …}``, or a list of rules alone; raises :class:`InvalidRules` with every problem."""
    from ..drift.rules import rule_problems
    from ..drift.settings import column_problems
    from ..gate.problems import RuleProblem

    if isinstance(value, list):
        found = rule_problems(value)
        if found:
            raise InvalidRules(found)
        return {"Rules": value}
    if not isinstance(value, Mapping):
        raise InvalidRules([RuleProblem("", "the file holds neither a list of rules nor Rules and Columns.")])
    found = tuple(
        RuleProblem(str(key), f'there is no key "{key}".', "The keys are Rules and Columns.")
        for key in value
        if key not in ("Rules", "Columns")
    )
    parts = {"Rules": rule_problems(value.get("Rules")), "Columns": column_problems(value.get("Columns"))}
    for key, problems in parts.items():
        for problem in problems:
            dot = "." if problem.place and not problem.place.startswith("[") else ""
            found += (RuleProblem(f"{key}{dot}{problem.place}", problem.what, problem.fix),)
    if found:
        raise InvalidRules(found)
    return dict(value)


def _say_report(report: DriftReport) -> None:
    say_styled(report.verdict.upper(), _STYLES[report.verdict])
    say(report.sentence)
    for line in _pictures(report):
        say(line)


def _pictures(report: DriftReport) -> Iterator[str]:
    """Two bars for each bin of the columns that changed most: the baseline's share, and today's."""
    drawn = [finding for finding in report.findings if finding.verdict != STABLE and finding.labels]
    for finding in sorted(drawn, key=lambda one: -(one.value or 0))[:MOST_PICTURES]:
        most = max(*finding.baseline, *finding.current)
        width = min(max(map(len, finding.labels)), 24)
        yield ""
        yield f"  {finding.column}: share of the baseline (-) and of today (=)"
        for label, before, now in zip(finding.labels, finding.baseline, finding.current, strict=True):
            yield f"  {label[:width].rjust(width)} |{'-' * round(before / most * BAR)} {before:.1%}"
            yield f"  {' ' * width} |{'=' * round(now / most * BAR)} {now:.1%}"
