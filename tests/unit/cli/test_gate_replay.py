"""Which recorded steps ``gate replay`` judges again, and where it finds their data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_sagemaker_mlops.cli import gate_replay
from airflow_sagemaker_mlops.cli.gate_replay import Candidate, _candidate
from airflow_sagemaker_mlops.gate import parse_rules
from airflow_sagemaker_mlops.gate.replay import replay

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


class Bucket:
    """The objects of a bucket; reading one whose content is an error raises it."""

    def __init__(self, objects: dict[str, bytes | Exception]) -> None:
        self.objects = objects

    def list_objects_v2(self, **where: str) -> dict[str, Any]:
        """One object a page."""
        names = sorted(self.objects)
        number = int(where.get("ContinuationToken", "0"))
        content = self.objects[names[number]]
        size = len(content) if isinstance(content, bytes) else 1
        page: dict[str, Any] = {"Contents": [{"Key": names[number], "Size": size}]}
        more = number + 1 < len(names)
        return page | {"IsTruncated": more} | ({"NextContinuationToken": str(number + 1)} if more else {})

    def download_file(self, _bucket: str, key: str, target: str) -> None:
        content = self.objects[key]
        if isinstance(content, Exception):
            raise content
        Path(target).write_bytes(content)


PART = b"id,label,candidate,champion\n"
CANDIDATE = Candidate("run", "2026-01-01T00:00:00Z", URI, "reject", None)


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        (
            {"part-0.csv": PART, "part-1.csv": ClientError({"Error": {"Code": "SlowDown"}}, "GetObject")},
            "cannot be read: An error occurred (SlowDown)",
        ),
        ({"part-0.csv": PART, "part-1.csv": b"x" * 100}, "has more than 100 bytes"),
        ({"../part-0.csv": PART}, "leads out of its folder"),
    ],
)
def test_predictions_that_are_not_there_as_a_whole_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objects: dict[str, bytes | Exception], why: str
) -> None:
    monkeypatch.setattr(gate_replay, "MAX_BYTES", 100)
    bucket = Bucket({f"run/predictions/{name}": content for name, content in objects.items()})
    past = gate_replay._past(bucket, CANDIDATE, tmp_path / "0")
    (one,) = replay(parse_rules([{"Metric": "auc", "Must": "improve"}]), [past]).candidates
    assert one.after == "not judged"
    assert why in one.why


def test_parts_of_one_name_in_two_folders_do_not_replace_each_other(tmp_path: Path) -> None:
    bucket = Bucket({f"run/predictions/{name}/part-0.csv": PART for name in ("x", "y")})
    past = gate_replay._past(bucket, CANDIDATE, tmp_path / "0")
    (one,) = replay(parse_rules([{"Metric": "auc", "Must": "improve"}]), [past]).candidates
    assert "has more than CSV and Parquet files: x, y." in one.why
