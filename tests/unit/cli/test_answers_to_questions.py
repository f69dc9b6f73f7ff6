"""``run --approve`` and ``--reject``: answers to questions that the pipeline does not ask are refused before a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app

ASK = {
    "Name": "MayServe",
    "Type": "x-approval",
    "Arguments": {"ModelPackageArn": "arn:aws:sagemaker:::model-package/m/1"},
}
FAIL = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}


@pytest.mark.parametrize(
    ("steps", "options", "words"),
    [
        (
            [ASK],
            ["--approve", "MayServ"],
            '--approve names "MayServ", which is not an x-approval step. Did you mean "MayServe"?',
        ),
        (
            [ASK, FAIL],
            ["--reject", "Stop"],
            '--reject names "Stop", which is not an x-approval step. Use one of: MayServe.',
        ),
        (
            [FAIL],
            ["--approve", "Any"],
            '--approve names "Any", which is not an x-approval step. The pipeline has none.',
        ),
        (
            [ASK],
            ["--approve", "MayServe", "--reject", "MayServe"],
            '--approve and --reject both name "MayServe"; keep one',
        ),
    ],
)
def test_an_answer_to_no_question_starts_nothing(tmp_path: Path, steps: Any, options: list[str], words: str) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    result = CliRunner().invoke(app, ["run", str(file), *options])
    assert result.exit_code == 2
    assert words in result.output
