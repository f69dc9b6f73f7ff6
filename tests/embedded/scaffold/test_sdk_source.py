"""The SDK code of a project gives the definition next to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.cli.compiling import CompileOptions
from airflow_sagemaker_mlops.cli.sources import Source
from airflow_sagemaker_mlops.definition import to_json
from airflow_sagemaker_mlops.scaffold import make_project, settle


def test_the_code_compiles_to_the_definition_that_airflow_runs(tmp_path: Path) -> None:
    pytest.importorskip("sagemaker.mlops", reason="the SageMaker SDK is not installed here")
    answers = settle({"project": "churn", "source": "sdk", "region": "eu-west-1", "regulated": "yes"})
    make_project(tmp_path / "churn", answers)
    code = Source(f"{tmp_path / 'churn' / 'pipeline' / 'pipeline.py'}:get_pipeline", CompileOptions())
    written = (tmp_path / "churn" / "dags" / "churn" / "train.json").read_text()
    assert json.loads(to_json(code.load())) == json.loads(written)
