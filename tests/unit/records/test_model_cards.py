"""Model cards follow AWS's schema for model packages, and keep what people wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft7Validator
from record_examples import TRAIN, record

from airflow_sagemaker_mlops.records.export.model_card import MAX_CHARACTERS, card_of, card_text
from airflow_sagemaker_mlops.records.export.model_cards import write_cards
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Attempt, StepRecord
from airflow_sagemaker_mlops.records.seal.seal import Sealed

URI = "s3://b/records/daily/r1.json"


def text(most: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most}


def some(most: int, items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "maxItems": most, "items": items}


def only(needed: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(needed), "properties": properties}


# The parts of the published schema that a card of ours has, with its limits.
NUMBER = only(
    ("name", "type", "value"), name=text(255), type={"const": "number"}, value={"type": "number"}, notes=text(1024)
)
GROUP = only(("name", "metric_data"), name=text(63), metric_data={"type": "array", "items": NUMBER})
SCHEMA = only(
    model_overview=only(model_creator=text(1024), model_artifact=some(15, text(1024))),
    intended_uses={"type": "object"},
    training_details=only(
        training_job_details=only(
            training_arn=text(1024),
            training_datasets=some(15, text(1024)),
            training_environment=only(container_image=some(15, text(1024))),
            training_metrics=some(50, only(("name", "value"), name=text(255), value={"type": "number"})),
            hyper_parameters=some(100, only(("name", "value"), name=text(255), value=text(255))),
        )
    ),
    evaluation_details={
        "type": "array",
        "items": only(
            ("name",),
            name=text(63),
            evaluation_observation=text(2096),
            evaluation_job_arn=text(256),
            datasets=some(10, text(1024)),
            metadata={"type": "object", "additionalProperties": text(1024)},
            metric_groups={"type": "array", "items": GROUP},
        ),
    },
    additional_information=only(custom_details={"type": "object", "additionalProperties": text(1024)}),
)
RULE = {
    "metric": "auc",
    "candidate": 0.6798,
    "champion": 0.6366,
    "difference": 0.0432,
    "interval": [0.0273, 0.0591],
    "level": 0.95,
    "verdict": "promote",
    "sentence": "AUC 0.6798 against 0.6366: better.",
}
DECISION = {
    "Outcome": True,
    "Verdict": "promote",
    "Sentence": "AUC 0.6798 against 0.6366: better.",
    "Terms": [],
    "Rules": [RULE, {**RULE, "slice": "origin=JFK", "champion": None, "difference": None, "interval": None}],
    "Records": 6009,
    "Champion": "arn:champion",
    "Report": "s3://b/report.json",
}


def gate(name: str = "Gate", **decision: Any) -> StepRecord:
    return StepRecord(
        step=name,
        type="x-champion-gate",
        status="Succeeded",
        attempts=(Attempt("job-3", "arn:job-3", "Completed", "", ""),),
        inputs=(Artifact("s3://b/predictions", name="predictions"),),
        decision={**DECISION, **decision},
    )


def sealed(*steps: StepRecord) -> Sealed:
    made: Any = record("r1", *steps)
    made["models"] = [
        {"step": "Register", "arn": "arn:v7", "group": "g", "version": 7, "data": "s3://b/m/model.tar.gz"}
    ]
    return Sealed(URI, "f" * 64, made)


def card(*steps: StepRecord) -> Mapping[str, Any]:
    document = sealed(*steps).record
    made = json.loads(card_text({}, card_of(document, document["models"][0], URI)))
    Draft7Validator(SCHEMA).validate(made)
    return dict(made)


class Registry:
    def __init__(self, **members: Any) -> None:
        self.card, self.updates = members, 0

    def describe_model_package(self, *, ModelPackageName: str) -> Any:
        assert ModelPackageName == "arn:v7"
        status = {"ModelApprovalStatus": "Approved"}
        return {**status, "ModelCard": self.card} if self.card else status

    def update_model_package(self, *, ModelCard: Mapping[str, str], **members: Any) -> None:
        assert members == {
            "ModelPackageArn": "arn:v7",
            "CustomerMetadataProperties": {"sagemaker-mlops:status": "Approved"},
        }
        self.card, self.updates = dict(ModelCard), self.updates + 1


def test_a_card_says_what_a_model_was_made_of_how_it_was_judged_and_where_the_record_is() -> None:
    made = card(TRAIN, gate())
    assert made["model_overview"]["model_artifact"] == ["s3://b/m/model.tar.gz"]
    assert made["training_details"]["training_job_details"] == {
        "training_arn": "arn:job-2",
        "training_datasets": ["s3://b/train"],
        "training_environment": {"container_image": ["image:1"]},
        "training_metrics": [{"name": "mse", "value": 5.85}],
        "hyper_parameters": [{"name": "num_round", "value": "80"}],
    }
    [evaluation] = made["evaluation_details"]
    assert evaluation["evaluation_observation"] == "AUC 0.6798 against 0.6366: better."
    assert (evaluation["metadata"]["verdict"], evaluation["metadata"]["records"]) == ("promote", "6009")
    values = {
        group["name"]: {metric["name"]: metric["value"] for metric in group["metric_data"]}
        for group in evaluation["metric_groups"]
    }
    assert values == {
        "Candidate": {"auc": 0.6798, "auc (origin=JFK)": 0.6798},
        "Champion": {"auc": 0.6366},
        "Difference": {
            "auc": 0.0432,
            "auc, lower end of the 95 % interval": 0.0273,
            "auc, upper end of the 95 % interval": 0.0591,
        },
    }
    details = made["additional_information"]["custom_details"]
    assert (details["run"], details["commit"], details["record"]) == ("r1", "c0ffee", URI)
    assert details["parameter NumRound"] == "80"


def test_without_a_champion_the_interval_is_that_of_the_candidate_and_each_metric_is_there_once() -> None:
    alone = {**RULE, "champion": None, "difference": None, "interval": [0.65, 0.71], "sentence": "AUC 0.6798."}
    made = card(gate(Rules=[alone, {**alone, "sentence": "Not below the floor 0.6."}]))
    candidate, interval = made["evaluation_details"][0]["metric_groups"]
    notes = "promote: AUC 0.6798. promote: Not below the floor 0.6."
    assert candidate["metric_data"] == [{"name": "auc", "type": "number", "value": 0.6798, "notes": notes}]
    assert (interval["name"], len(interval["metric_data"])) == ("Interval of the candidate", 2)


def test_a_card_that_does_not_fit_is_cut_to_fit() -> None:
    rules = [{**RULE, "slice": f"customer={index} " + "x" * 300, "sentence": "y" * 3000} for index in range(500)]
    made = card(TRAIN, gate("G" * 99, Rules=rules, Sentence="Better. " * 500))
    assert len(json.dumps(made)) <= MAX_CHARACTERS
    assert made["evaluation_details"][0]["metric_groups"][0]["metric_data"]


@pytest.mark.parametrize("value", [None, "0.7", True])
def test_a_metric_that_is_no_number_is_left_out(value: Any) -> None:
    made = card(gate(Rules=[{**RULE, "candidate": value, "difference": value, "interval": [value, 1]}]))
    assert "Candidate" not in [group["name"] for group in made["evaluation_details"][0]["metric_groups"]]


def test_what_people_wrote_stays_and_a_second_writing_changes_nothing() -> None:
    theirs = {"model_overview": {"model_creator": "ann"}, "intended_uses": {"risk_rating": "Low"}}
    registry = Registry(ModelCardContent=json.dumps(theirs), ModelCardStatus="PendingReview")
    assert write_cards(registry, sealed(TRAIN, gate()), print) == 1
    content = json.loads(registry.card["ModelCardContent"])
    assert (content["model_overview"]["model_creator"], content["intended_uses"]) == ("ann", {"risk_rating": "Low"})
    assert (content["evaluation_details"][0]["name"], registry.card["ModelCardStatus"]) == ("Gate", "PendingReview")
    assert (write_cards(registry, sealed(TRAIN, gate()), print), registry.updates) == (0, 1)


@pytest.mark.parametrize(
    "there",
    [{"ModelCardStatus": "Archived"}, {"ModelCardContent": json.dumps({"intended_uses": {"a": "x" * MAX_CHARACTERS}})}],
)
def test_an_archived_or_full_card_is_left_alone(there: dict[str, str]) -> None:
    registry = Registry(**there)
    assert (write_cards(registry, sealed(TRAIN, gate()), print), registry.updates) == (0, 0)


def test_a_card_that_cannot_be_read_is_told_and_left() -> None:
    told: list[str] = []
    registry = Registry(ModelCardContent="[]")
    assert write_cards(registry, sealed(gate()), lambda text, *words: told.append(text % words)) == 0
    assert told == ["the model card of arn:v7 could not be written: TypeError: its content is not a JSON object."]


def test_a_run_without_a_comparison_or_a_promotion_writes_no_card() -> None:
    registry = Registry()
    assert (write_cards(registry, sealed(TRAIN), print), registry.updates) == (0, 0)
