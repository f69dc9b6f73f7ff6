"""The differences between two runs, in phrases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from record_examples import DECIDE, PLAN, SHA, TRAIN, identity, record, training

from airflow_sagemaker_mlops.records.compare.runs import diff
from airflow_sagemaker_mlops.records.export.csv_rows import rows
from airflow_sagemaker_mlops.records.export.slsa import statement
from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.model.documents import RecordDocument
from airflow_sagemaker_mlops.records.model.record import Parameter, assemble
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Code, Image, StepRecord
from airflow_sagemaker_mlops.records.store.listing import Line
from airflow_sagemaker_mlops.records.store.sealed import seal_document

OTHER = SHA[::-1]


def compared(old: StepRecord, new: StepRecord, **more: Any) -> list[str]:
    return diff(record("a", old), record("b", new), **more)


def test_the_example_of_the_requirement_reads_as_it_asks() -> None:
    more = (Artifact("s3://b/train", name="train", objects=13, bytes=1300, sha256=OTHER),)
    old = record("a", training(80, metrics={"mse": 5.85}), rounds=80)
    new = record("b", training(120, metrics={"mse": 5.05}, inputs=more, billable_seconds=112.0), rounds=120)
    listings = {SHA: {"a": Line("a", "e", 1)}, OTHER: {key: Line(key, "e", 1) for key in "abcd"}}
    text = "; ".join(diff(old, new, listing_of=listings.get))
    assert text == (
        "same definition; NumRound 80 -> 120; 3 objects new under train/ (b, c, d); same code, same image; "
        "mse 5.85 -> 5.05; cost +12 %"
    )


def test_equal_runs_are_said_to_be_equal() -> None:
    assert diff(record("a"), record("b")) == [
        "same definition",
        "same parameters",
        "same inputs",
        "same code, same image",
        "same metrics",
    ]


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"images": (Image("image:2"),)}, "image of TrainModel image:1 -> image:2"),
        ({"images": (Image("image:1", f"sha256:{OTHER}"),)},
         "image of TrainModel image:1 -> image:1 (another digest under the same name)"),
        ({"code": (Code("s3://b/code.tar.gz", OTHER, "v2", "https://git.example/repo", "beef00"),)},
         "code of TrainModel changed (commit c0ffee -> beef00)"),
        ({"inputs": (Artifact("s3://b/new", name="train", sha256=SHA),)}, "same inputs"),
        ({"inputs": ()}, "input train is gone"),
        ({"inputs": (*TRAIN.inputs, Artifact("s3://b/v", name="validation", sha256=SHA))},
         "input validation is new (s3://b/v)"),
        ({"inputs": (Artifact("s3://b/train", name="train", problem="access denied"),)},
         "train cannot be compared: access denied"),
        ({"status": "Failed", "failure_reason": "AlgorithmError: x"},
         "TrainModel Succeeded -> Failed: AlgorithmError: x"),
        ({"billable_seconds": 50.0}, "cost -50 %"),
        ({"billable_seconds": 50.0, "instance_type": "ml.c5.large"}, "billable time -50 %"),
        ({"request": {**(TRAIN.request or {}), "EnableNetworkIsolation": True}},
         "TrainModel: EnableNetworkIsolation (nothing) -> true"),
        ({"metrics": {"mse": 5.85, "mae": 1.5}}, "mae (nothing) -> 1.5"),
    ],
)  # fmt: skip
def test_what_changed_in_a_step_is_said(change: Mapping[str, Any], phrase: str) -> None:
    assert phrase in compared(TRAIN, replace(TRAIN, **change))


def test_a_decision_that_went_the_other_way_is_reported_with_its_values() -> None:
    term = {"Text": "0.85 > 0.9", "Op": "GreaterThan", "Left": 0.85, "Right": 0.9, "Result": False}
    other = replace(DECIDE, decision={"Outcome": False, "Terms": [term], "Sentence": "False"})
    assert "IsBetter true -> false (0.85 GreaterThan 0.9 is false)" in compared(DECIDE, other)


def test_another_verdict_is_reported_once_with_its_sentence() -> None:
    gates, conditions = [], []
    for verdict in ("promote", "reject"):
        decision = {
            "Outcome": verdict == "promote",
            "Verdict": verdict,
            "Sentence": f"AUC says {verdict}.",
            "Terms": [],
        }
        gates.append(StepRecord("Gate", "x-champion-gate", "Succeeded", decision=decision))
        behind = {"Outcome": verdict == "promote", "Terms": [], "Sentence": "x"}
        conditions.append(StepRecord("Gate.promote", "Condition", "Succeeded", decision=behind))
    runs = [record(verdict, *pair) for verdict, pair in zip("ab", zip(gates, conditions, strict=True), strict=True)]
    phrases = [phrase for phrase in diff(*runs) if "Gate" in phrase]
    assert phrases == ["Gate promote -> reject: AUC says reject."]


def test_steps_that_are_new_or_gone_are_named() -> None:
    loop = StepRecord("Loop-0", "Processing", "Succeeded")
    phrases = diff(record("a", TRAIN, loop), record("b", TRAIN, replace(loop, step="Loop-1")))
    assert {"step Loop-0 is gone", "step Loop-1 is new (Processing)"} <= set(phrases)


def test_data_that_a_step_of_the_run_made_is_not_told_as_an_input() -> None:
    def run(name: str, place: str, digest: str) -> dict[str, Any]:
        made = replace(TRAIN, outputs=(Artifact(place, name="train", role="output", sha256=digest),))
        reads = StepRecord(
            "EvaluateModel", "Processing", "Succeeded", inputs=(Artifact(place, name="in", sha256=digest),)
        )
        return record(name, made, reads)

    phrases = diff(run("a", "s3://b/runs/1", SHA), run("b", "s3://b/runs/2", OTHER))
    assert not any("s3://b/runs" in phrase or "objects" in phrase for phrase in phrases)


def test_records_of_two_dags_are_compared_and_said_to_be_such() -> None:
    assert diff(record("a"), record("b", dag_id="other"))[0] == "runs of two DAGs: daily and other"


def test_masked_values_are_not_said_to_be_equal() -> None:
    old, new = record("a"), record("b")
    for document in (old, new):
        document["externalParameters"]["Token"] = {"value": "***", "source": "conf"}
    assert "Token masked in both, cannot be compared" in diff(old, new)


def test_long_values_are_cut() -> None:
    old, new = record("a"), record("b")
    new["externalParameters"]["Day"] = {"value": "x" * 500, "source": "conf"}
    assert max(len(phrase) for phrase in diff(old, new)) < 200


def test_numbers_are_shown_as_the_run_had_them() -> None:
    """Canonical JSON writes 1.0 as 1; the record keeps the texts beside."""

    def run(rate: float, score: float) -> RecordDocument:
        result = {"Metrics": {"score": score}, "Properties": {}}
        step = training(80, metrics={"score": score}, result=result)
        document = assemble(PLAN, identity("r"), parameters={"Rate": Parameter(rate, "conf")}, step_records=[step])
        read: RecordDocument = json.loads(canonical_json(document))
        return read

    old, new = run(1.0, 2.0), run(2.0, 1.0)
    phrases = diff(old, new)
    assert "Rate 1.0 -> 2.0" in phrases
    assert "score 2.0 -> 1.0" in phrases
    assert "score=1.0" in rows([new])
    assert json.dumps(statement(seal_document(new, []))["predicate"]["buildDefinition"]["externalParameters"]) == (
        '{"dag": "daily", "parameters": {"Rate": 2.0}}'
    )
