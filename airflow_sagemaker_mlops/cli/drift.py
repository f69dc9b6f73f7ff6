"""``sagemaker-mlops drift check``: reads today's data and a baseline, and prints the verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..definition.drift_check import place_below, settings_problems
from ..drift.picture import picture
from ..drift.report import DRIFT, INCONCLUSIVE, STABLE, DriftReport
from ..gate.problems import InvalidRules
from .output.terminal import say, say_json, say_styled, write_out
from .rule_files import Refused, read_rule_file

BAD_INPUT = 2
_STYLES = {STABLE: "bold green", DRIFT: "bold red", INCONCLUSIVE: "bold yellow"}


def check_files(data: Path, baseline: Path, rules: Path | None, *, noun: str, output: str, profile: Path | None) -> int:
    """Return the exit code: 0 stable, 3 drift, 4 inconclusive, 2 input that cannot be judged."""
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
    from ..drift.settings import never
    from ..gate.problems import RuleProblem

    if isinstance(value, list):
        found = [problem for _, problem in settings_problems({"Rules": value}, never)]
        if found:
            raise InvalidRules(found)
        return {"Rules": value}
    if not isinstance(value, Mapping):
        raise InvalidRules([RuleProblem("", "the file holds neither a list of rules nor Rules and Columns.")])
    found = [
        RuleProblem(str(key), f'there is no key "{key}".', "The keys are Rules and Columns.")
        for key in value
        if key not in ("Rules", "Columns")
    ]
    found += [
        RuleProblem(place_below(key, problem.place), problem.what, problem.fix)
        for key, problem in settings_problems(value, never)
    ]
    if found:
        raise InvalidRules(found)
    return dict(value)


def _say_report(report: DriftReport) -> None:
    say_styled(report.verdict.upper(), _STYLES[report.verdict])
    say(report.sentence)
    for line in picture(report):
        say(line)
