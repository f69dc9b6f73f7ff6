"""The example: its three spellings are equivalent, and its three days go as described."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops import run_pipeline
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.model import Plan
from airflow_sagemaker_mlops.steps.requests import request_problems

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "dags" / "daily_model"


def plan_of(file: Path) -> Plan:
    return replace(make_plan(load_pipeline(file)), source="")


def test_json_and_yaml_mean_the_same_plan() -> None:
    assert plan_of(FOLDER / "definition.json") == plan_of(FOLDER / "definition.yaml")


def test_the_sdk_code_emits_the_json(tmp_path: Path) -> None:
    pytest.importorskip("sagemaker", reason="the SageMaker SDK is not installed")
    out = tmp_path / "compiled.json"
    command = [sys.executable, "-m", "airflow_sagemaker_mlops.cli", "compile", f"{FOLDER}/pipeline.py:get_pipeline"]
    subprocess.run([*command, "-o", str(out)], check=True, capture_output=True)
    assert json.loads(out.read_text()) == json.loads((FOLDER / "definition.json").read_text())


def test_every_request_of_the_example_fits_the_api() -> None:
    assert list(request_problems(load_pipeline(FOLDER / "definition.yaml"))) == []


def test_three_days_deploy_refuse_and_deploy(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import publish

    publish.publish(aws.client, aws.bucket, aws.role_arn)
    days: list[dict[str, Any]] = []
    for day in ("day-1", "day-2", "day-3"):
        run = run_pipeline(
            FOLDER / "definition.json",
            {"Day": day},
            name="daily-model",
            state_dir=aws.state_dir,
            records="off",
            publish=False,
        )
        days.append(run.summary())
    assert [summary["status"] for summary in days] == ["Succeeded"] * 3
    assert [summary["decisions"][0]["outcome"] for summary in days] == [True, False, True]
    assert [len(summary["models"]) for summary in days] == [1, 0, 1]
    assert [summary["jobs_started"] for summary in days] == [3, 3, 3]
    aucs = [summary["decisions"][0]["terms"][0]["left"] for summary in days]
    assert aucs[1] < aucs[0] < aucs[2]
    assert days[2]["decisions"][0]["terms"][0]["right"] == aucs[0]  # production is day 1's model, not day 2's
    kept = next(step for step in days[1]["steps"] if step["name"] == "KeepProduction")
    assert kept["outputs"]["reason"].startswith("AUC")
    client = aws.client("sagemaker")
    approved = client.list_model_packages(ModelPackageGroupName="daily-model", ModelApprovalStatus="Approved")
    assert len(approved["ModelPackageSummaryList"]) == 2
    assert client.describe_endpoint(EndpointName="daily-model")["EndpointConfigName"] == "daily-model-v2"


def test_the_evaluation_script_agrees_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER / "scripts"))
    import evaluate
    from sklearn.metrics import roc_auc_score

    labels = [0, 1, 1, 0, 1, 0, 0, 1, 1, 0]
    scores = [0.1, 0.4, 0.35, 0.35, 0.8, 0.2, 0.8, 0.9, 0.1, 0.1]
    assert evaluate.area_under_curve(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_no_day_trains_on_the_holdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import data

    rows = {key: set(text.splitlines()[1:]) for key, text in data.deliveries().items()}
    assert sum(len(lines) for lines in rows.values()) == 569
    assert all(rows["holdout"].isdisjoint(rows[day]) for day in ("day-1", "day-2", "day-3"))
