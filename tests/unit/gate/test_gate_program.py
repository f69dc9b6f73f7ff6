"""The gate's program: what a job runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.gate.job import main


def run(folder: Path, header: str, rules: list[dict[str, Any]], *options: str) -> tuple[int, dict[str, Any]]:
    predictions = folder / "predictions"
    predictions.mkdir(exist_ok=True)
    scores = [(n % 2, 0.3 + 0.4 * (n % 2) + 0.001 * (n % 97)) for n in range(200)]
    champion = header.endswith("champion")
    lines = [
        f"r{n},{label},{score}" + (f",{score - 0.01}" if champion else "") for n, (label, score) in enumerate(scores)
    ]
    (predictions / "part-0.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    (folder / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    words = ["--predictions", str(predictions), "--rules", str(folder / "rules.json"), "--output", str(folder / "out")]
    code = main([*words, *options])
    report = folder / "out" / "report.json"
    return code, json.loads(report.read_text("utf-8")) if report.exists() else {}


FLOOR = [{"Metric": "auc", "Floor": 0.6}]


def test_where_the_registry_has_a_champion_its_scores_are_needed_whatever_the_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = run(tmp_path, "id,label,candidate", FLOOR, "--if-no-champion", "refuse")
    assert (code, report) == (2, {})
    assert "there are no scores of the champion" in capsys.readouterr().err
    code, report = run(tmp_path, "id,label,candidate,champion", FLOOR, "--if-no-champion", "refuse")
    assert (code, report["verdict"]) == (0, "promote")


def test_numbers_measured_elsewhere_lie_among_the_predictions(tmp_path: Path) -> None:
    rules = [*FLOOR, {"Metric": "latency_p95_ms", "Must": "not_worsen", "By": "5%"}]
    values = tmp_path / "predictions" / "values.json"
    values.parent.mkdir()
    values.write_text('{"latency_p95_ms": {"candidate": 150, "champion": 125}}', encoding="utf-8")
    code, report = run(tmp_path, "id,label,candidate,champion", rules, "--values", str(values))
    assert (code, report["verdict"]) == (0, "reject")


def test_parts_in_a_folder_below_are_not_left_out_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "predictions" / "more").mkdir(parents=True)
    assert run(tmp_path, "id,label,candidate,champion", FLOOR)[0] == 2
    assert "has more than CSV and Parquet files: more." in capsys.readouterr().err
