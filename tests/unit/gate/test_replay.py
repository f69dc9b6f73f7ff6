"""Replaying other rules on earlier candidates."""

from __future__ import annotations

from pathlib import Path

from simulated import binormal

from airflow_sagemaker_mlops.gate import parse_rules
from airflow_sagemaker_mlops.gate.replay import PastCandidate, replay


def test_a_replay_says_what_other_rules_would_have_promoted_and_why(tmp_path: Path) -> None:
    pasts = []
    for name, gain, before in (("mon", 0.05, "promote"), ("tue", 0.0, "promote"), ("wed", -0.08, "promote")):
        rows = zip(*(values.tolist() for values in binormal(1, 1500, gain)), strict=True)
        text = "".join(f"{index},{label},{mine},{other}\n" for index, (label, mine, other) in enumerate(rows))
        (tmp_path / f"{name}.csv").write_text("id,label,candidate,champion\n" + text)
        pasts.append(PastCandidate(name, tmp_path / f"{name}.csv", before))
    pasts.append(PastCandidate("thu", tmp_path / "thu.csv", "reject"))
    told: list[str] = []
    found = replay(
        parse_rules([{"Metric": "auc", "Must": "improve"}]), pasts, judged=lambda one: told.append(one.past.name)
    )
    assert told == ["mon", "tue", "wed", "thu"]
    assert found.sentence == (
        "These rules would have promoted 1 instead of 3 of 4 candidates (1 reject, 1 inconclusive, 1 not judged)."
    )
    lines = [str(one) for one in found.candidates]
    assert lines[0].startswith("mon: promote. AUC 0.")
    assert lines[1].startswith("tue: promote -> inconclusive. AUC 0.")
    assert lines[2].startswith("wed: promote -> reject. AUC 0.")
    assert lines[3] == f"thu: reject -> not judged. there is no file {tmp_path / 'thu.csv'}."
    assert [one["after"] for one in found.to_json()["candidates"]] == [
        "promote",
        "inconclusive",
        "reject",
        "not judged",
    ]
