"""Chosen runs side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest
from index_examples import HOSTILE
from record_examples import record, training

from airflow_sagemaker_mlops.records.store.sealed import seal_document
from airflow_sagemaker_mlops.reports.comparison_view import MAX_RUNS, comparison_view
from airflow_sagemaker_mlops.reports.pages import comparison_page


def sealed(name: str, rounds: int, **more: Any) -> dict[str, Any]:
    return seal_document(
        record(name, training(rounds, **more), rounds=rounds, started=f"2026-01-0{name[-1]}T00:00:00Z"), []
    )


def test_runs_are_ordered_by_time_and_what_differs_comes_first() -> None:
    view = comparison_view([sealed("b2", 120, metrics={"mse": 5.05}), sealed("a1", 80)])
    assert [run["name"] for run in view["runs"]] == ["a1", "b2"]
    parameters = next(section for section in view["sections"] if section["title"] == "Parameters")
    assert [(row["name"], row["values"], row["changed"]) for row in parameters["rows"]] == [
        ("NumRound", ["80", "120"], True),
        ("Day", ["day-1", "day-1"], False),
    ]
    metrics = next(section for section in view["sections"] if section["title"] == "Metrics")
    assert metrics["rows"][0] == {"name": "mse of TrainModel", "values": ["5.85", "5.05"], "changed": True}


def test_why_a_run_is_different_is_said_in_sentences() -> None:
    (why,) = comparison_view([sealed("a1", 80), sealed("b2", 120, metrics={"mse": 5.05})])["why"]
    assert why["different"] == ["NumRound 80 → 120.", "Mse 5.85 → 5.05."] or "mse" in " ".join(why["different"]).lower()
    assert "definition" in why["same"]
    assert "code" in why["same"]


def test_a_value_that_differs_from_the_run_before_is_bold() -> None:
    blocks = comparison_page(comparison_view([sealed("a1", 80), sealed("b2", 120), sealed("c3", 120)]))
    (rows,) = [block["rows"] for block in blocks if block.get("table") == "Parameters"]
    assert rows[0]["cells"] == ["NumRound", "80", {"bold": "120"}, "120"]


def test_equal_runs_differ_in_nothing() -> None:
    (why,) = comparison_view([sealed("a1", 80), sealed("b2", 80)])["why"]
    assert why["different"] == []


def test_an_unfinished_or_older_record_gets_a_note_and_keeps_its_rows() -> None:
    live = {"run": {"dag_id": "daily", "run_id": "c3", "started": "2026-01-03T00:00:00Z"}, "steps": [{"step": "Train"}]}
    view = comparison_view([sealed("a1", 80), live])
    assert [run["name"] for run in view["runs"]] == ["a1", "c3"]
    assert view["notes"] == [
        "a1 and c3 cannot be compared in sentences: one of the records is unfinished, or of an older version."
    ]


@pytest.mark.parametrize("key", ["steps", "totals", "externalParameters", "resolvedDependencies", "definition", "run"])
@pytest.mark.parametrize("value", [None, 3, [], {}, HOSTILE, [HOSTILE], {"a": HOSTILE}, [{"a": [1]}]])
def test_records_of_any_shape_are_plain_json(key: str, value: object) -> None:
    text = json.dumps(comparison_view([sealed("a1", 80), {**sealed("b2", 80), key: value}, value]), allow_nan=False)
    assert "\\u001b" not in text


def test_more_runs_than_fit_are_left_out() -> None:
    view = comparison_view([sealed(f"r{n}", 80) for n in range(1, 9)])
    assert (len(view["runs"]), view["cut"]["runs"]) == (MAX_RUNS, 2)
