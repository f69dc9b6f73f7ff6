"""``sagemaker-mlops check`` on the files of ``tests/pipelines/check``: all that is wrong with one, in one go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app

CASES = Path(__file__).parents[2] / "pipelines" / "check"


def check(case: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[int, str]:
    monkeypatch.chdir(case)
    result = CliRunner().invoke(app, ["check", next(case.glob("pipeline.*")).name, *options])
    return result.exit_code, result.output


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_errors_and_warnings_are_reported_together_in_the_order_of_the_file(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = (case / "report.txt").read_text()
    assert check(case, monkeypatch) == (0 if ": 0 errors" in report else 1, report)


def test_json_has_the_errors_and_the_warnings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = check(CASES / "errors-and-warnings", monkeypatch, "--format", "json")
    assert code == 1
    assert [(problem["line"], problem["code"], problem["severity"]) for problem in json.loads(text)] == [
        (3, "SM120", "warning"),
        (8, "SM120", "warning"),
        (9, "SM122", "error"),
        (14, "SM152", "warning"),
        (15, "SM204", "error"),
        (19, "SM151", "error"),
        (23, "SM201", "error"),
    ]
