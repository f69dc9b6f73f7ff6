"""Slices in the champion's report that the new predictions lack never lead to a verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_registry import GROUP, FakeRegistry

from airflow_sagemaker_mlops.execution.exceptions import StepFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.runners.champion_gate import ChampionGateRunner
from airflow_sagemaker_mlops.execution.scope import Scope, Unreadable
from airflow_sagemaker_mlops.execution.step_run import StepRun, Submitted
from airflow_sagemaker_mlops.gate.report import GateReport
from airflow_sagemaker_mlops.plan.spec import StepSpec

REPORT = "s3://bucket/reports/1/report.json"
SLICED = {"Metric": "auc", "Slice": "origin", "Must": "not_worsen", "By": 0.05}
NOW = {"verdict": "promote", "no_champion": None}


def report(*values: str) -> bytes:
    return json.dumps(
        GateReport("promote", "good", 9, (), slices={"origin": values, "hour": ("1",)}).to_json()
    ).encode()


def slices_before(content: bytes | None, *rules: dict[str, Any], uri: str = REPORT) -> tuple[dict[str, Any], list[str]]:
    """(what the step keeps of the champion's slices, what it says), with ``content`` at the champion's report."""
    fake, told = FakeRegistry(), []
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": uri}}} if uri else {}
    fake.version(1, ModelApprovalStatus="Approved", ModelMetrics=metrics)

    def read(asked: str) -> bytes:
        assert asked == uri
        if content is None:
            raise Unreadable(f"{asked} is not there")
        return content

    scope = Scope("IsBetter", {}, {}, {}, {}, read)
    spec = StepSpec(settings={"Champion": {"ModelPackageGroup": GROUP}, "Rules": list(rules)})
    identity = StepIdentity("p", "IsBetter", "d", "r", "IsBetter")
    run = StepRun(spec, "x-champion-gate", identity, scope, fake, told.append)  # type: ignore[arg-type]
    return dict(ChampionGateRunner().resolved(run).facts["slices"]), told


def check(facts: dict[str, Any], now: dict[str, list[str]]) -> None:
    identity = StepIdentity("p", "IsBetter", "d", "r", "IsBetter")
    run = StepRun(StepSpec(), "x-champion-gate", identity, Scope("IsBetter", {}, {}, {}, {}, bytes), None, print)  # type: ignore[arg-type]
    ChampionGateRunner().check(run, Submitted("job", "arn", 0, "", facts=facts), {**NOW, "slices": now})


def test_a_slice_that_the_champion_was_judged_on_and_today_lacks_fails_the_step() -> None:
    slices, _ = slices_before(report("EWR", "JFK", "LGA"), SLICED)
    assert slices == {"origin": ["EWR", "JFK", "LGA"]}
    check({"slices": slices}, {"origin": ["LGA", "EWR", "JFK", "SWF"]})
    with pytest.raises(StepFailed, match=r'"IsBetter": no record has origin = LGA, which the champion was judged on'):
        check({"slices": slices}, {"origin": ["EWR", "JFK"]})


def test_values_of_the_rule_take_the_place_of_the_report() -> None:
    assert slices_before(report("EWR", "LGA"), {**SLICED, "Values": ["EWR"]})[0] == {}


def test_without_a_report_nothing_is_compared() -> None:
    assert slices_before(None, SLICED, uri="") == ({}, ["the champion of late-flights is version 1"])
    assert slices_before(report("EWR"), {"Metric": "auc", "Must": "improve"})[0] == {}


@pytest.mark.parametrize("content", [None, b"{", b'{"auc": 1}', b"[]"])
def test_a_report_that_cannot_be_read_is_told_of(content: bytes | None) -> None:
    slices, told = slices_before(content, SLICED)
    assert slices == {}
    assert "slices that are missing are not noticed" in told[-1]
