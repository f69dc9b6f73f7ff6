"""A DAG's runs over time."""

from __future__ import annotations

import json
import statistics

import pytest
from index_examples import ARN, HOSTILE, at, entry, gate, rule

from airflow_sagemaker_mlops.reports.trend_view import MAX_RUNS, trend_view


def test_a_point_has_the_interval_at_the_champions_value_and_the_line_that_it_had_to_exceed() -> None:
    view = trend_view([entry(verdicts=[gate(rule(0.05, 0.03, margin=0.01))])])
    (series,) = view["series"]
    (point,) = series["points"]
    assert (series["title"], series["goal"]) == ("AUC", "maximize")
    assert (point["value"], point["low"], point["high"], point["gate"]) == (0.75, 0.72, 0.78, 0.71)


def test_without_a_champion_the_interval_is_that_of_the_value() -> None:
    first = {"metric": "auc", "verdict": "promote", "candidate": 0.7, "interval": [0.65, 0.75]}
    (series,) = trend_view([entry(verdicts=[gate(first)])])["series"]
    assert (series["points"][0]["low"], series["points"][0]["gate"]) == (0.65, None)


def test_a_floor_on_the_same_metric_is_a_line_of_the_same_chart() -> None:
    floor = {"metric": "auc", "verdict": "promote", "candidate": 0.75, "floor": 0.6}
    for rules in ([rule(), floor], [floor, rule()]):
        (series,) = trend_view([entry(verdicts=[gate(*rules)])])["series"]
        assert (series["floor"], len(series["points"]), series["points"][0]["gate"]) == (0.6, 1, 0.7)


def test_medians_are_those_of_runs_that_succeeded() -> None:
    runs = [entry(n, cost={"amount": n / 10, "currency": "EUR"}) for n in range(1, 8)]
    view = trend_view([*runs, entry(9, status="Failed", seconds=9_999.0)])
    assert view["median_seconds"] == statistics.median(range(61, 68))
    assert (view["median_cost"], view["currency"]) == (0.4, "EUR")


def test_a_run_that_was_cleared_counts_once_as_it_ended_last() -> None:
    cleared = [entry(1), {**entry(1, status="Failed"), "run_id": "run-1#2"}, {**entry(1), "run_id": "run-1#1"}]
    (run,) = trend_view(cleared)["runs"]
    assert (run["name"], run["run_id"], run["word"]) == ("run-1#2", "run-1", "Failed")


def test_an_instance_of_a_mapped_task_group_links_to_its_dag_run() -> None:
    (run,) = trend_view([{**entry(1), "run_id": "run[2]#1"}])["runs"]
    assert run["run_id"] == "run"


def test_champions_and_new_definitions_are_marked() -> None:
    promoted = [{"step": "Promote", "arn": ARN.format(4), "at": at(2)}]
    view = trend_view([entry(2, promoted=promoted, definition="def"), entry(1)])
    assert [(run["champion"], run["changed"]) for run in view["runs"]] == [("", False), ("4", True)]


def test_a_drift_check_speaks_for_a_run_without_a_gate() -> None:
    drift = {"step": "Drift", "type": "x-drift-check", "verdict": "drift", "sentence": "Drift."}
    stable = {**drift, "verdict": "stable"}
    words = [
        run["verdict"] and run["verdict"]["word"]
        for run in trend_view(
            [entry(1, verdicts=[drift]), entry(2, verdicts=[stable]), entry(3, verdicts=[drift, gate(rule())])]
        )["runs"]
    ]
    assert words == ["Drift", None, "Promote"]


def test_entries_of_an_earlier_version_still_have_their_durations() -> None:
    old = {"run_id": "old", "sha256": "0" * 64, "started": at(0), "status": "Succeeded", "seconds": 5}
    view = trend_view([old, entry(1)])
    assert (view["without_facts"], view["runs"][0]["seconds"], view["series"]) == (1, 5, [])


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, HOSTILE, [1, None, "y"], float("nan"), {"a": HOSTILE}])
def test_entries_of_any_shape_are_bounded_plain_json(value: object) -> None:
    keys = ("verdicts", "metrics", "cost", "promoted", "started", "seconds", "status", "definition", "failed_step")
    entries = [{"run_id": HOSTILE, "sha256": "", key: value} for key in keys] + [value]
    entries += [entry(verdicts=[{"rules": value, "sentence": value, "step": value, "type": "x-champion-gate"}])]
    entries += [entry(verdicts=[gate(dict.fromkeys(rule(), value))])]
    text = json.dumps(trend_view(entries), allow_nan=False)
    assert "\\u001b" not in text
    assert "\\u202e" not in text
    assert len(text) < 100_000


def test_the_oldest_runs_are_left_out_first() -> None:
    view = trend_view([entry(n) for n in range(MAX_RUNS + 5)])
    assert (len(view["runs"]), view["runs"][0]["name"], view["cut"]) == (MAX_RUNS, "run-5", {"runs": 5})
