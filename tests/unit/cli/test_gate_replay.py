"""Which recorded steps ``gate replay`` judges again, and from where."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.cli.gate_replay import Candidate, _candidate

URI = "s3://b/run/predictions"


def recorded(champion: str = "arn", **request: Any) -> dict[str, Any]:
    arguments = {"ProcessingInputs": [{"InputName": "predictions", "S3Input": {"S3Uri": URI}}]}
    return {
        "type": "x-champion-gate",
        "status": "Succeeded",
        "started": "2026-01-01T00:00:00Z",
        "request": {"Champion": {"ModelPackageGroup": "g"}, "Arguments": arguments, **request},
        "decision": {"Verdict": "reject", **({"Champion": champion} if champion else {})},
    }


@pytest.mark.parametrize(
    ("step", "no_champion"),
    [(recorded(), None), (recorded(""), "approve"), (recorded("", NoChampion="promote"), "promote")],
)
def test_a_gate_without_a_champion_is_judged_as_one_again(step: dict[str, Any], no_champion: str | None) -> None:
    assert _candidate("run", step, "g") == Candidate("run", "2026-01-01T00:00:00Z", URI, "reject", no_champion)


@pytest.mark.parametrize("step", [recorded(Champion={"ModelPackageGroup": "other"}), {"request": None}])
def test_gates_of_other_groups_and_records_without_a_request_are_left_out(step: dict[str, Any]) -> None:
    assert _candidate("run", step, "g") is None
