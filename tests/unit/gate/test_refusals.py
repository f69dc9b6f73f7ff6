"""Predictions that allow no verdict, and undefined metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simulated import binormal

from airflow_sagemaker_mlops.gate import BadPredictions, evaluate

LABEL, CANDIDATE, CHAMPION = binormal(1, 600, 0.05)
AUC = {"Metric": "auc", "Must": "improve"}
F1 = {"Metric": "f1", "Must": "improve"}


@pytest.mark.parametrize(
    ("rule", "data", "says"),
    [
        (AUC, {"label": np.zeros(600)}, "label is 0 in all 600 records: one class only"),
        (AUC, {"label": LABEL * 2}, "label has to be 0 or 1; it is 2 as well"),
        (AUC, {"candidate": np.full(600, 0.5)}, "the candidate's score is 0.5 in all 600 records"),
        (AUC, {"champion": np.full(600, 0.5)}, "the champion's score is 0.5 in all 600 records"),
        ({**AUC, "Metric": "log_loss"}, {"candidate": CANDIDATE * 4}, "log_loss needs probabilities between 0 and 1"),
        (F1, {"candidate": CANDIDATE * 0.4}, "all below the threshold 0.5 of f1: one class for every record"),
        ({**AUC, "Slice": "origin"}, {}, 'there is no column "origin". Did you mean "orign"?'),
        ({**AUC, "Unit": "customer"}, {}, 'there is no column "customer"'),
        ({**AUC, "Metric": "no_such_module:f", "Goal": "maximize"}, {}, "No module named 'no_such_module'"),
        ({**AUC, "Compare": "recorded"}, {"recorded": {"f1": 0.5}}, "the champion's report has no auc"),
        (AUC, {"columns": {}, "values": {"latency": 3}}, "values that no rule is about: latency"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_sentence(rule: Any, data: Any, says: str) -> None:
    given = {"label": LABEL, "candidate": CANDIDATE, "champion": CHAMPION, "columns": {"orign": ["a"] * 600}, **data}
    with pytest.raises(BadPredictions) as error:
        evaluate([rule], **given)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("rules", "rows", "says"),
    [
        ([AUC], slice(0, 19), "records; it takes"),
        ([{"Metric": "brier", "Must": "improve"}], slice(0, 30), "positive records; it takes 10"),
        ([{**AUC, "MinRecords": 1000}], slice(0, 600), "600 records; the rule demands 1,000"),
    ],
)
def test_too_few_records_decide_nothing(rules: Any, rows: slice, says: str) -> None:
    report = evaluate(rules, label=LABEL[rows], candidate=CANDIDATE[rows], champion=CHAMPION[rows])
    assert report.verdict == "inconclusive"
    assert says in report.sentence


def test_four_records_that_a_candidate_has_right_promote_nothing() -> None:
    report = evaluate([AUC], label=[0, 0, 1, 1], candidate=[0.1, 0.2, 0.8, 0.9], champion=[0.9, 0.8, 0.2, 0.1])
    assert report.verdict == "inconclusive"


def test_a_slice_in_which_a_metric_is_undefined_is_not_decided() -> None:
    part = np.where(np.arange(600) < 100, "no positives", "others")
    label = np.where(part == "others", LABEL, 0.0)
    rules = [AUC, {"Metric": "auc", "Slice": "part", "Must": "not_worsen", "By": 0.1}]
    report = evaluate(rules, label=label, candidate=CANDIDATE, champion=CHAMPION, columns={"part": part})
    assert report.verdict == "inconclusive"
    assert "AUC for part=no positives: not decided, AUC is undefined on one class (every label is 0)" in report.sentence


def test_a_metric_that_is_undefined_on_one_side_is_not_decided() -> None:
    few = np.where(np.arange(600) % 2 == 0, "a", "b")
    candidate = np.where(few == "a", np.minimum(CANDIDATE, 0.49), CANDIDATE)  # predicts no positives in a
    rules = [{"Metric": "precision", "Slice": "few", "Must": "not_worsen", "By": 0.1}]
    report = evaluate(rules, label=LABEL, candidate=candidate, champion=CHAMPION, columns={"few": few})
    assert (report.rules[0].verdict, report.rules[0].candidate) == ("inconclusive", None)
    assert report.verdict != "promote"


def test_equal_models_are_no_improvement_and_no_loss() -> None:
    for metric in ("auc", "accuracy", "f1", "log_loss", "rmse"):
        data = {"label": LABEL, "candidate": CANDIDATE, "champion": CANDIDATE}
        assert evaluate([{"Metric": metric, "Must": "improve"}], **data).verdict == "inconclusive"
        assert evaluate([{"Metric": metric, "Must": "not_worsen"}], **data).verdict == "promote"


def test_no_damaged_value_is_ever_promoted() -> None:
    """A clearly better candidate with one value of any array damaged."""
    for name in ("label", "candidate", "champion"):
        for value in (np.nan, np.inf, -np.inf, 1e300, None, "x"):
            data: dict[str, Any] = {"label": LABEL, "candidate": CANDIDATE, "champion": CHAMPION}
            damaged = data[name].astype(object)
            damaged[17] = value
            with pytest.raises(BadPredictions, match=r"row 17"):
                evaluate([AUC], **{**data, name: damaged})


def test_the_sentence_fits_an_approval_description() -> None:
    slices = np.array([f"{'x' * 100}{index % 40}" for index in range(600)])
    rules = [{"Metric": metric, "Slice": "s", "Must": "improve"} for metric in ("auc", "accuracy")]
    report = evaluate(rules, label=LABEL, candidate=CHAMPION, champion=CANDIDATE, columns={"s": slices})
    assert len(report.sentence) <= 1000
