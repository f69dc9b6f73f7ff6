"""A record of any age and shape as a view for readers."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from record_examples import record

from airflow_sagemaker_mlops.records.model.prices import Prices
from airflow_sagemaker_mlops.reports.run_view import run_view
from airflow_sagemaker_mlops.reports.shapes import RunView
from airflow_sagemaker_mlops.reports.wording import CONDITION, DRIFT, GATE, RUNS, STEPS, TONES

OLD = json.loads((Path(__file__).parents[2] / "helpers" / "record_1_1.json").read_text())
ODD = (None, -1, 10**400, float("nan"), "\x1b[31m\u202e\ud800", [[], None], {"a": {}})


def rule(**more: Any) -> dict[str, Any]:
    given = {"metric": "auc", "rule": "[0]", "goal": "maximize", "candidate": 0.68, "champion": 0.64}
    return {**given, "difference": 0.04, "interval": [0.03, 0.05], "level": 0.95, "verdict": "promote", **more}


def gate(verdict: str = "promote", *rules: dict[str, Any], given: Any = None) -> dict[str, Any]:
    decision = {"Outcome": True, "Verdict": verdict, "Sentence": "AUC 0.68.", "Rules": list(rules) or [rule()]}
    request = {"Rules": given or [{"Metric": "auc", "Must": "improve"}]}
    step = {"step": "Gate", "type": "x-champion-gate", "status": "Succeeded"}
    return {**step, "decision": decision, "request": request}


def test_says_what_the_gate_decided_and_what_ran_then() -> None:
    steps = [
        {"step": "Train", "type": "Training", "status": "Succeeded"},
        gate(
            "promote",
            rule(),
            rule(metric="rmse", rule="[1]", goal="minimize"),
            given=[{}, {"Metric": "rmse", "Floor": 1}],
        ),
        {"step": "Gate.promote", "type": "Condition", "status": "Succeeded", "decision": {"Outcome": True}},
        {"step": "Register", "type": "RegisterModel", "status": "Succeeded"},
        {"step": "Refuse", "type": "RegisterModel", "status": "NotTaken"},
    ]
    view = run_view({"run": {"dag_id": "d", "run_id": "r"}, "steps": steps})
    decision = view["decision"]
    assert decision is not None
    assert (decision["kind"], decision["verdict"], decision["word"], decision["tone"]) == (
        "gate",
        "promote",
        "Promote",
        "good",
    )
    assert decision["branch"]["ran"] == ["Register"]
    assert decision["branch"]["not_taken"] == ["Refuse"]
    assert decision["rules"][0]["title"] == "AUC"
    assert (decision["rules"][0]["low"], decision["rules"][0]["high"]) == (0.03, 0.05)
    assert decision["rules"][1]["floor"] == 1
    assert [step["step"] for step in view["steps"]] == ["Train", "Gate", "Register", "Refuse"]
    assert view["headline"] == "Promote: AUC 0.68."


def test_says_what_failed_after_the_decision() -> None:
    steps = [gate(), {"step": "A", "status": "Succeeded"}, {"step": "B", "status": "Failed", "failure_reason": "no"}]
    view = run_view({"run": {}, "steps": steps})
    assert view["decision"] is not None
    assert view["decision"]["branch"]["sentence"] == "A ran; B failed."
    assert view["headline"] == "Failed in B: no"


def test_marks_parameters_that_changed() -> None:
    view = run_view(record("r2", rounds=120), record("r1", rounds=80), record("r0", rounds=120))
    rounds = next(one for one in view["parameters"] if one["name"] == "NumRound")
    assert rounds["changed"]
    assert rounds["previous"] == {"value": "80", "changed": True}
    assert rounds["champion"] == {"value": "120", "changed": False}
    assert not next(one for one in view["parameters"] if one["name"] == "Day")["changed"]


def test_prices_each_step() -> None:
    view = run_view(record(), prices=Prices("USD", {"ml.m5.large": 0.36}))
    train = next(step for step in view["steps"] if step["step"] == "TrainModel")
    assert train["cost"] == pytest.approx(0.01)  # 100 s at 0.36 an hour
    assert view["totals"]["currency"] == "USD"


def test_a_recorded_cost_of_one_instance_type_prices_its_steps() -> None:
    document = record()
    document["totals"]["cost"] = {"amount": 0.02, "currency": "EUR"}
    view = run_view(document)
    assert next(step for step in view["steps"] if step["step"] == "TrainModel")["cost"] == pytest.approx(0.02)


def test_follows_data_through_the_run() -> None:
    view = run_view(record())
    edges = {(edge["source"], edge["target"]) for edge in view["lineage"]["edges"]}
    assert ("data:s3://b/train", "step:TrainModel") in edges
    assert ("step:TrainModel", "model:s3://b/m/model.tar.gz") in edges
    assert ("step:TrainModel", "model:arn:package") in edges


def test_reads_a_record_of_an_older_schema() -> None:
    view = run_view(OLD)
    assert view["hashes"]["schema"] == "1.1"
    assert view["decision"] is not None
    assert view["models"][0]["word"] == "Waiting for approval"
    assert view["notes"] == []


def test_says_what_a_half_written_record_lacks() -> None:
    view = run_view({"run": {"dag_id": "d", "run_id": "r", "status": "Executing"}, "steps": []})
    assert view["run"]["live"]
    assert "has not ended" in view["notes"][0]
    assert run_view(None)["notes"] == ["There is no record of this run."]


def members(value: Any, place: tuple[Any, ...] = ()) -> Any:
    """The places of all members of a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*place, key)
        yield from members(item, (*place, key))


def with_member(document: Any, place: tuple[Any, ...], value: object) -> Any:
    copy = json.loads(json.dumps(document))
    at = copy
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return copy


def test_no_odd_value_in_any_place_raises_or_leaves_the_shape() -> None:
    document = record()
    document["steps"] = [*document["steps"][1:2], gate(), *document["steps"][4:5]]
    document["approvals"] = [{"task": "Ask", "decision": "Approve", "user": "ann", "at": "2026-01-01T00:00:00Z"}]
    shape = run_view(document)
    for place in members({key: document[key] for key in document if key not in ("resolvedDependencies", "byproducts")}):
        for value in ODD if len(place) < 4 else ODD[2:5]:
            odd = with_member(document, place, value)
            view = run_view(odd, odd)
            assert view.keys() == shape.keys()
            json.dumps(view, allow_nan=False).encode()


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_what_is_no_record_has_a_view(value: object) -> None:
    view = run_view(value, value, value, amendments=[value])
    assert view["steps"] == []
    assert view["notes"]


def test_text_from_outside_cannot_hide_or_reorder_other_text() -> None:
    view = run_view(with_member(record(), ("steps", 1, "failure_reason"), "a\x1b[31mb\u202ec"))
    assert view["steps"][1]["reason"] == "a\\x1b[31mb\\x202ec"


def huge(steps: int = 1_500, inputs: int = 10_000) -> dict[str, Any]:
    listed = [{"uri": f"s3://bucket/{'long/' * 20}{number}", "bytes": number} for number in range(inputs)]
    many = [
        {"step": f"Step{number}", "type": "Processing", "status": "Succeeded", "failure_reason": "x" * 20_000}
        for number in range(steps)
    ]
    many[3]["inputs"] = listed
    decided = gate("reject", *[rule(slice=f"origin={number}") for number in range(500)])
    return {**record(), "steps": [*many[:10], decided, *many[10:]]}


def test_a_huge_record_is_cut_and_says_so() -> None:
    began = time.process_time()
    view = run_view(huge())
    assert time.process_time() - began < 5
    assert len(view["steps"]) == 1_000
    assert view["cut"]["steps"] == 501
    assert view["cut"]["artifacts"] == 9_500
    assert view["cut"]["rules"] == 300
    assert "501 more steps are in the record." in view["notes"]


def words_in(view: RunView) -> set[tuple[str, str]]:
    told = [view["run"], *view["steps"], *view["decisions"], *view["drift"], *view["approvals"], *view["models"]]
    return {(one["word"], one["tone"]) for one in told}


def test_every_state_has_its_word_beside_its_tone() -> None:
    for words in (RUNS, STEPS, GATE, DRIFT, CONDITION):
        assert all(word and tone in TONES for word, tone in words.values())
    for verdict in GATE:
        found = words_in(run_view({"run": {}, "steps": [gate(verdict)]}))
        assert GATE[verdict] in found
    unknown = run_view({"run": {"status": "Melted"}, "steps": [{"step": "S", "status": "Frozen"}]})
    assert {("Melted", "plain"), ("Frozen", "plain")} <= words_in(unknown)


def test_a_run_that_waits_for_a_person_says_so() -> None:
    steps = [{"step": "Train", "status": "Succeeded"}, {"step": "Approve", "status": "Waiting"}]
    view = run_view({"run": {"dag_id": "daily", "run_id": "r", "status": "Executing"}, "steps": steps})
    assert view["headline"] == "Waiting for somebody's answer: Approve."
    assert (view["steps"][1]["word"], view["steps"][1]["tone"]) == ("Waiting for a person", "unsure")
