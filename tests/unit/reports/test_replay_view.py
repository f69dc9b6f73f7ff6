"""Recorded candidates, judged again by another margin."""

from __future__ import annotations

import json

import pytest
from index_examples import HOSTILE, entry, gate, rule
from record_examples import record

from airflow_sagemaker_mlops.records.model.step_record import StepRecord
from airflow_sagemaker_mlops.records.store.facts import facts_of
from airflow_sagemaker_mlops.reports.replay_view import judged_again, replay_view

np = pytest.importorskip("numpy")
MARGINS = [-0.06, -0.03, -0.015, -0.005, 0.0, 0.004, 0.01, 0.02, 0.04, 0.08]


def evaluated(must: str, by: float, gain: float, seed: int) -> dict[str, object]:
    """The index entry of a gate that really judged 800 records."""
    from airflow_sagemaker_mlops.gate import evaluate

    random = np.random.default_rng(seed)
    label = random.integers(0, 2, 800)
    champion = label + random.normal(0, 1.3, 800)
    candidate = champion * 0.6 + (label + random.normal(0, 1.3, 800)) * (0.4 + gain)
    rules = [{"Metric": "auc", "Must": must, "By": by}]
    report = evaluate(rules, label=label, candidate=candidate, champion=champion).to_json()
    decision = {"Verdict": report["verdict"], "Sentence": report["sentence"], "Rules": report["rules"]}
    step = StepRecord("IsBetter", "x-champion-gate", "Succeeded", request={"Rules": rules}, decision=decision)
    return entry(**facts_of(record("r", step)))  # type: ignore[arg-type]


@pytest.mark.parametrize("must", ["improve", "not_worsen"])
@pytest.mark.parametrize("gain", [-0.4, 0.0, 0.5])
def test_another_margin_gives_the_verdict_that_the_gate_itself_would_give(must: str, gain: float) -> None:
    recorded = evaluated(must, 0.0, gain, seed=11)
    (one,) = replay_view([recorded])["rules"]
    (candidate,) = one["candidates"]
    for margin in MARGINS:
        by = margin if must == "improve" else -margin
        if by >= 0:
            (verdict,) = evaluated(must, by, gain, seed=11)["verdicts"]  # type: ignore[misc]
            assert judged_again(candidate, margin, must) == verdict["verdict"], margin  # type: ignore[index]


def test_the_recorded_margin_gives_the_recorded_verdict_whatever_the_goal() -> None:
    less = rule(-0.05, 0.03, metric="log_loss", goal="minimize", margin=-0.01, bound=-0.0248)
    less["interval"] = [-0.08, -0.02]
    (one,) = replay_view([entry(verdicts=[gate(less)])])["rules"]
    (candidate,) = one["candidates"]
    assert (candidate["gain"], candidate["lower"], candidate["margin"]) == (0.05, 0.0248, 0.01)
    assert judged_again(candidate, one["margin"], "improve") == "promote"
    assert judged_again(candidate, 0.03, "improve") == "inconclusive"
    assert judged_again(candidate, 0.08, "improve") == "reject"


@pytest.mark.parametrize(("others", "verdict"), [("reject", "reject"), ("inconclusive", "inconclusive")])
def test_other_rules_keep_their_verdicts(others: str, verdict: str) -> None:
    for given in (gate(rule(), others=others), gate(rule(), {"metric": "f1", "candidate": 1.0, "verdict": others})):
        (candidate,) = replay_view([entry(verdicts=[given])])["rules"][0]["candidates"]
        assert judged_again(candidate, -1.0, "improve") == verdict


def test_models_that_predict_alike_may_not_be_worse_and_are_not_better() -> None:
    alike = rule(0.0, 0.0, bound=0.0)
    (candidate,) = replay_view([entry(verdicts=[gate(alike)])])["rules"][0]["candidates"]
    assert judged_again(candidate, 0.0, "not_worsen") == "promote"
    assert judged_again(candidate, 0.0, "improve") == "inconclusive"


def test_a_gate_without_a_champion_is_counted_and_not_judged() -> None:
    first = {"metric": "auc", "verdict": "promote", "candidate": 0.7, "interval": [0.65, 0.75]}
    view = replay_view([entry(1, verdicts=[gate(first)]), entry(2, verdicts=[gate(rule())])])
    assert (view["without"], len(view["rules"][0]["candidates"])) == (1, 1)


def test_the_slider_reaches_past_every_bound() -> None:
    (one,) = replay_view([entry(n, verdicts=[gate(rule(gain))]) for n, gain in enumerate((-0.2, 0.3))])["rules"]
    ends = [(candidate["lower"], candidate["upper"]) for candidate in one["candidates"]]
    assert one["low"] < min(lower for lower, _ in ends)
    assert one["high"] > max(upper for _, upper in ends)


def test_entries_of_any_shape_are_plain_json() -> None:
    for value in (None, 3, "x", HOSTILE, [1], {"a": 1}, float("inf")):
        rules = [rule(**{key: value}) for key in rule()]
        json.dumps(replay_view([entry(verdicts=[gate(*rules)]), entry(verdicts=value), value]), allow_nan=False)
