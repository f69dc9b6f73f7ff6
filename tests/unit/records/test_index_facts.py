"""The facts about a run in the index."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_examples import DECIDE, TRAIN, record

from airflow_sagemaker_mlops.records.model.step_record import StepRecord
from airflow_sagemaker_mlops.records.seal.seal import seal
from airflow_sagemaker_mlops.records.store.facts import LONGEST, MAX_RULES, facts_of
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.index import add_to_index, read_index, summary_of
from airflow_sagemaker_mlops.records.verify.chain import verify

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/{}"


def result(place: int, **more: Any) -> dict[str, Any]:
    given = {"metric": "auc", "slice": None, "candidate": 0.7, "champion": 0.65, "difference": 0.05, "level": 0.95}
    ends = {"interval": [0.02, 0.08], "bound": 0.025, "margin": 0.01, "goal": "maximize", "dry_run": False}
    return {**given, **ends, "verdict": "promote", "rule": f"[{place}]", **more}


def gate(*results: dict[str, Any], **more: Any) -> StepRecord:
    request = {
        "Champion": {"ModelPackageGroup": "churn"},
        "Rules": [{"Metric": "auc", "Must": "improve", "By": 0.01}, {"Metric": "auc", "Floor": 0.6}],
    }
    decision = {"Verdict": "promote", "Sentence": "Better.", "Outcome": True, "Records": 900, "Rules": list(results)}
    decision["Champion"] = ARN.format(1)
    return StepRecord("IsBetter", "x-champion-gate", "Succeeded", request=request, decision={**decision, **more})


def test_a_gate_has_its_rules_with_the_limits_that_they_were_written_with() -> None:
    floor = result(1, difference=None, interval=None, bound=None, margin=None, level=None)
    facts = facts_of(record("r", gate(result(0), floor)))
    (verdict,) = facts["verdicts"]
    assert verdict["champion"] == ARN.format(1)
    assert (verdict["group"], verdict["records"], verdict["verdict"]) == ("churn", 900, "promote")
    first, second = verdict["rules"]
    assert first["must"] == "improve"
    assert (first["candidate"], first["interval"], first["bound"], first["margin"]) == (0.7, [0.02, 0.08], 0.025, 0.01)
    assert (second["floor"], "difference" in second) == (0.6, False)


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [(["promote"], "promote"), (["promote", "inconclusive"], "inconclusive"), (["inconclusive", "reject"], "reject")],
)
def test_rules_for_slices_count_as_their_worst_verdict(verdicts: list[str], worst: str) -> None:
    slices = [result(0, slice=f"origin={word}", verdict=word) for word in verdicts]
    (verdict,) = facts_of(record("r", gate(result(0), *slices)))["verdicts"]
    assert (len(verdict["rules"]), verdict["others"]) == (1, worst)


def test_a_dry_run_counts_for_nothing() -> None:
    (verdict,) = facts_of(record("r", gate(result(0), result(1, dry_run=True, verdict="reject"))))["verdicts"]
    assert len(verdict["rules"]) == 1
    assert "others" not in verdict


def test_an_entry_stays_small_whatever_a_gate_has() -> None:
    many = [result(n, metric=f"m{n}", verdict="promote") for n in range(100)]
    (verdict,) = facts_of(record("r", gate(*many, Sentence="x" * 10_000)))["verdicts"]
    assert (len(verdict["rules"]), len(verdict["sentence"])) == (MAX_RULES, LONGEST)


def test_promotion_and_endpoint_come_from_the_requests() -> None:
    promote = StepRecord(
        "Promote",
        "x-promote-champion",
        "Succeeded",
        ended="2026-01-01T00:03:00Z",
        request={"ModelPackageArn": ARN.format(2), "Baseline": f"1:{ARN.format(1)}", "HistoryS3Uri": "s3://b/h"},
    )
    model = StepRecord("Make", "Model", "Succeeded", request={"PrimaryContainer": {"ModelPackageName": ARN.format(2)}})
    endpoint = StepRecord("Deploy", "Endpoint", "Succeeded", ended="t", request={"EndpointName": "churn-prod"})
    facts = facts_of(record("r", promote, model, endpoint))
    assert facts["promoted"] == [
        {
            "step": "Promote",
            "arn": ARN.format(2),
            "at": "2026-01-01T00:03:00Z",
            "replaced": ARN.format(1),
            "history": "s3://b/h",
        }
    ]
    assert facts["deployed"] == [{"step": "Deploy", "endpoint": "churn-prod", "at": "t", "arn": ARN.format(2)}]


def test_a_failed_promotion_and_a_failed_deployment_changed_nothing() -> None:
    promote = StepRecord("Promote", "x-promote-champion", "Failed", request={"ModelPackageArn": ARN.format(2)})
    endpoint = StepRecord("Deploy", "Endpoint", "Failed", request={"EndpointName": "churn-prod"})
    facts = facts_of(record("r", promote, endpoint))
    assert {"promoted", "deployed"}.isdisjoint(facts)
    assert facts["failed_step"] == "Promote"


@pytest.mark.parametrize(
    "request_",
    [{"Rules": 3, "Champion": "x"}, {"Containers": 3}, {"Rules": [1, None], "Champion": {"ModelPackageGroup": []}}],
)
@pytest.mark.parametrize("kind", ["x-champion-gate", "Model", "Endpoint", "x-promote-champion", "x-drift-check"])
def test_a_request_of_any_shape_is_summed_up(request_: dict[str, Any], kind: str) -> None:
    decision = {"Verdict": "promote", "Rules": [3, {"interval": 5, "candidate": True, "rule": None}], "Records": "9"}
    step = StepRecord("S", kind, "Succeeded", request=request_, decision=decision)
    json.dumps(facts_of(record("r", step)), allow_nan=False)


def test_metrics_of_one_name_are_told_apart_by_the_step() -> None:
    other = StepRecord("Tune", "Training", "Succeeded", metrics={"mse": 4.0, "note": "text"})
    assert facts_of(record("r", TRAIN, other))["metrics"] == {"mse": 5.85, "Tune: mse": 4.0}


def test_an_entry_without_facts_is_no_fault_of_the_index(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    sealed = seal(store, record("r", gate(result(0)), DECIDE))
    whole = summary_of(sealed.record)
    old = {key: value for key, value in whole.items() if key not in facts_of(sealed.record)}
    add_to_index(store, "daily", old)  # type: ignore[arg-type]  # an entry of an earlier version
    assert "verdicts" not in read_index(store, "daily").summaries["r"]
    assert verify(store, "daily").is_good
    assert not verify(store, "daily").findings


def test_a_step_that_failed_by_drift_still_has_its_verdict() -> None:
    drift = StepRecord(
        "Drift", "x-drift-check", "Failed", result={"Decision": {"Verdict": "drift", "Sentence": "Drift."}}
    )
    (verdict,) = facts_of(record("r", replace(drift, failure_reason="Drift.")))["verdicts"]
    assert (verdict["type"], verdict["verdict"], verdict["sentence"]) == ("x-drift-check", "drift", "Drift.")
