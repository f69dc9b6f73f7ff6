"""From rules and predictions to a verdict."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from simulated import binormal

from airflow_sagemaker_mlops.gate import BadPredictions, GateReport, evaluate, parse_rules

IMPROVES = {"Metric": "auc", "Must": "improve"}


def judged(rules: Any, gain: float = 0.0, records: int = 2000, seed: int = 1, **more: Any) -> GateReport:
    label, candidate, champion = binormal(seed, records, gain)
    return evaluate(rules, label=label, candidate=candidate, champion=champion, ids=np.arange(records), **more)


def test_a_clearly_better_candidate_is_promoted_with_its_numbers_in_the_sentence() -> None:
    report = judged([IMPROVES, {"Metric": "log_loss", "Must": "not_worsen", "By": "1%"}], gain=0.04, noun="flights")
    assert (report.verdict, report.exit_code) == ("promote", 0)
    assert report.sentence.startswith(
        f"AUC {report.rules[0].candidate:.4f} against {report.rules[0].champion:.4f}: +0.0"
    )
    assert ", 95 % interval +0.0" in report.sentence
    assert " on 2,000 flights: better. " in report.sentence


def test_a_clearly_worse_candidate_is_rejected() -> None:
    report = judged([IMPROVES], gain=-0.04)
    assert (report.verdict, report.exit_code, report.rules[0].finding) == ("reject", 3, "worse")


def test_what_chance_can_explain_is_not_decided_and_says_how_many_records_would() -> None:
    report = judged([IMPROVES], records=400, gain=0.01)
    assert (report.verdict, report.exit_code) == ("inconclusive", 4)
    assert report.rules[0].needed > 400
    assert "records would decide" in report.sentence


def test_a_gain_that_is_clearly_less_than_demanded_is_rejected_as_such() -> None:
    report = judged([{**IMPROVES, "By": 0.1}], gain=0.03, records=5000)
    assert (report.verdict, report.rules[0].finding) == ("reject", "better by too little")


def test_a_guard_passes_with_a_difference_within_its_margin_and_fails_clearly_beyond() -> None:
    guard = {"Metric": "auc", "Must": "not_worsen"}
    assert judged([{**guard, "By": 0.02}], records=5000).verdict == "promote"
    assert judged([{**guard, "By": 0.02}], records=5000, gain=-0.06).verdict == "reject"
    assert judged([{**guard, "By": 0.001}], records=300).verdict == "inconclusive"


def test_a_losing_slice_rejects_by_name_and_a_small_one_is_left_out() -> None:
    label, candidate, champion = binormal(3, 4000, 0.05)
    origin = np.array(["EWR", "JFK", "LGA", "ZZZ"])[np.where(np.arange(4000) < 50, 3, np.arange(4000) % 3)]
    loses = origin == "JFK"
    candidate, champion = np.where(loses, champion, candidate), np.where(loses, candidate, champion)
    rules = [IMPROVES, {"Metric": "auc", "Slice": "origin", "Must": "not_worsen", "By": 0.01, "MinRecords": 200}]
    report = evaluate(rules, label=label, candidate=candidate, champion=champion, columns={"origin": origin})
    assert report.verdict == "reject"
    assert "AUC for origin=JFK" in report.sentence
    assert [(rule.slice, rule.verdict) for rule in report.rules[1:]] == [
        ("origin=EWR", "promote"),
        ("origin=JFK", "reject"),
        ("origin=LGA", "promote"),
        ("origin=ZZZ", "skipped"),
    ]


def test_a_slice_that_vanished_is_an_error() -> None:
    slices = {"origin": np.array(["EWR", "JFK"])[np.arange(2000) % 2]}
    rule = {"Metric": "auc", "Slice": "origin", "Must": "not_worsen", "By": 0.1}
    with pytest.raises(
        BadPredictions, match=r"a slice has vanished: no record has origin = LGA\. There are EWR, JFK\."
    ):
        judged([{**rule, "Values": ["EWR", "LGA"]}], columns=slices)
    before = judged([rule], columns={"origin": np.array(["EWR", "JFK", "LGA"])[np.arange(2000) % 3]})
    with pytest.raises(BadPredictions, match="no record has origin = LGA"):
        judged([rule], columns=slices, recorded=before)


def test_an_alarm_never_promotes() -> None:
    report = judged([IMPROVES, {"Metric": "auc", "AlarmAbove": 0.88}], gain=0.05)
    assert (report.verdict, report.rules[1].alarm) == ("inconclusive", True)
    assert "too good to be true" in report.sentence
    assert judged([IMPROVES, {"Metric": "auc", "Floor": 0.95}], gain=0.04).verdict == "reject"


def test_a_dry_run_rule_is_reported_without_effect() -> None:
    report = judged([IMPROVES, {"Metric": "auc", "Floor": 0.99, "DryRun": True}], gain=0.04)
    assert report.verdict == "promote"
    assert (report.rules[1].verdict, report.rules[1].dry_run) == ("reject", True)


@pytest.mark.parametrize(
    ("handling", "floor", "verdict"),
    [
        ("promote", 0.6, "promote"),
        ("reject", 0.6, "reject"),
        ("approve", 0.6, "inconclusive"),
        ("promote", 0.95, "reject"),
        ("approve", 0.95, "reject"),
    ],
)
def test_without_a_champion_floors_count_and_then_what_was_asked_for(handling: str, floor: float, verdict: str) -> None:
    label, candidate, _ = binormal(1, 2000)
    rules = [IMPROVES, {"Metric": "auc", "Floor": floor}]
    assert evaluate(rules, label=label, candidate=candidate, no_champion=handling).verdict == verdict


def test_a_missing_champion_is_never_taken_for_the_first_day() -> None:
    label, candidate, champion = binormal(1, 2000)
    with pytest.raises(BadPredictions, match="no scores of a champion"):
        evaluate([IMPROVES], label=label, candidate=candidate)
    with pytest.raises(BadPredictions, match="give one of them"):
        evaluate([IMPROVES], label=label, candidate=candidate, champion=champion, no_champion="promote")


def test_several_primary_rules_are_held_to_holms_levels() -> None:
    report = judged([IMPROVES, {"Metric": "brier", "Must": "improve"}], gain=0.04)
    assert sorted(rule.level for rule in report.rules) == pytest.approx([0.95, 0.975])


def test_a_relative_margin_of_nothing_is_refused_with_the_way_out() -> None:
    label = np.tile([0.0, 1.0], 50)
    rule = {"Metric": "cost", "Must": "not_worsen", "By": "5%", "Cost": {"FalsePositive": 1, "FalseNegative": 1}}
    with pytest.raises(BadPredictions, match=r"which is 0; .* Write By as a number\."):
        evaluate([rule], label=label, candidate=1 - label * 0.9, champion=label)


def test_numbers_that_are_measured_elsewhere_are_compared_as_they_are() -> None:
    rules = [IMPROVES, {"Metric": "latency_p95_ms", "Must": "not_worsen", "By": "5%"}]
    assert judged(rules, 0.04, values={"latency_p95_ms": {"candidate": 120, "champion": 118}}).verdict == "promote"
    assert judged(rules, 0.04, values={"latency_p95_ms": (130, 118)}).verdict == "reject"
    with pytest.raises(BadPredictions, match=r'no value for "latency_p95_ms".* Did you mean "latency_p99_ms"'):
        judged(rules, 0.04, values={"latency_p99_ms": (130, 118)})
    assert judged([IMPROVES, {**rules[1], "DryRun": True}], 0.04).verdict == "promote"
    with pytest.raises(BadPredictions, match="of the champion is missing"):
        judged(rules, 0.04, values={"latency_p95_ms": {"candidate": 130}})


def test_a_recorded_number_of_another_test_set_is_called_not_comparable() -> None:
    rules = [{**IMPROVES, "Compare": "recorded"}]
    before = judged([IMPROVES], seed=5)
    assert "Not comparable" in judged(rules, 0.04, recorded=before).sentence
    same = judged([IMPROVES])
    assert "Not comparable" not in judged(rules, 0.04, recorded=same).sentence


@pytest.mark.parametrize(
    ("recorded", "says"),
    [
        (None, "there is no report of the champion"),
        ({"AUC": 0.7}, 'has no auc, only "AUC"'),
        ({"auc": "0.7"}, "the champion's auc is '0.7' instead of a number"),
        ({"auc": 71}, "recorded auc is 71, but it lies between 0 and 1"),
    ],
)
def test_a_recorded_number_that_cannot_be_meant_is_refused(recorded: Any, says: str) -> None:
    with pytest.raises(BadPredictions) as error:
        judged([{**IMPROVES, "Compare": "recorded"}], 0.04, recorded=recorded)
    assert says in str(error.value)


def test_a_number_recorded_at_another_threshold_is_not_compared_with() -> None:
    guard = {"Metric": "accuracy", "Must": "not_worsen", "By": 0.01}
    before = GateReport.from_json(judged([{**guard, "Threshold": 0.3}]).to_json())
    again = {**guard, "Compare": "recorded"}
    with pytest.raises(BadPredictions, match=r"measured with Threshold: 0\.3 instead of Threshold: 0\.5"):
        judged([again], recorded=before)
    assert judged([{**again, "Threshold": 0.3}], recorded=before).rules[0].champion == before.rules[0].candidate


@pytest.mark.parametrize(("factor", "shown"), [(1e90, "e+89 "), (1e-9, "e-10 ")])
def test_huge_and_tiny_numbers_are_shown_by_their_digits_that_count(factor: float, shown: str) -> None:
    label, candidate, champion = binormal(1, 200, 0.05)
    report = evaluate(
        [{"Metric": "mae", "Must": "not_worsen"}],
        label=label * factor,
        candidate=candidate * factor,
        champion=champion * factor,
    )
    assert shown in report.sentence
    assert len(report.sentence) < 200


def test_a_report_is_read_back_from_its_json() -> None:
    report = judged([IMPROVES], gain=0.04)
    text = json.dumps(report.to_json(), allow_nan=False)
    assert GateReport.from_json(json.loads(text)).to_json() == report.to_json()
    assert list(report.to_json())[:4] == ["verdict", "sentence", "records", "rules"]


def test_the_decision_and_the_bound_agree_for_every_method() -> None:
    rules = [
        {"Metric": metric, "Must": "not_worsen", "By": by}
        for metric in ("auc", "accuracy", "f1", "log_loss", "rmse")
        for by in (0, 0.004)
    ]
    for seed in range(8):
        for rule in rules:
            result = judged([rule], records=500, seed=seed).rules[0]
            sign = -1 if rule["Metric"] in ("log_loss", "rmse") else 1
            is_fulfilled = sign * (result.bound - result.margin) >= 0
            assert (result.verdict == "promote") == (result.p_value <= 0.05)
            if result.verdict != "reject":
                assert (result.verdict == "promote") == is_fulfilled, (rule, seed)


def test_rules_of_several_lists_keep_their_results_apart() -> None:
    rules = (*parse_rules([IMPROVES]), *parse_rules([{"Metric": "auc", "Floor": 0.5}]))
    report = judged(rules, gain=0.04)
    assert [rule.rule for rule in report.rules] == ["[0]", "[1]"]
    assert ": better. The other rule holds. Promote." in report.sentence
