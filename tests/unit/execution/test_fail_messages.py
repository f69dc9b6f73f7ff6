"""The message of a Fail step; a null counts as absent (docs/language/document.md)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.runs.run_pipeline import run_pipeline


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ErrorMessage": "too bad"}, "too bad"),
        ({"ErrorMessage": {"Std:Join": {"On": "", "Values": [0.5, " < ", True]}}}, "0.5 < true"),
        ({"ErrorMessage": 5}, "5"),
        ({"ErrorMessage": ""}, 'Step "Stop" ends the pipeline as failed.'),
        ({"ErrorMessage": None}, 'Step "Stop" ends the pipeline as failed.'),
        ({}, 'Step "Stop" ends the pipeline as failed.'),
    ],
)
def test_a_fail_step_ends_with_its_message(arguments: dict[str, Any], message: str) -> None:
    step = {"Name": "Stop", "Type": "Fail", "Arguments": arguments}
    run = run_pipeline({"Version": "2020-12-01", "Steps": [step]}, stubs={"*": {}}, records="off")
    assert (run.status, run.steps["Stop"].error) == ("Failed", message)
