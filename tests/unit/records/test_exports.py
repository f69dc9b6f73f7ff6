"""Exports.  Expected values are those of the in-toto, SLSA and OpenLineage specifications."""

from __future__ import annotations

import csv
import io
import json
import uuid
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from record_examples import DECIDE, SHA, TRAIN, record
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from airflow_sagemaker_mlops.records.export.csv_rows import rows
from airflow_sagemaker_mlops.records.export.openlineage import events, run_event
from airflow_sagemaker_mlops.records.export.slsa import statement
from airflow_sagemaker_mlops.records.model.step_record import Artifact, StepRecord
from airflow_sagemaker_mlops.records.store.sealed import hash_of, seal_document

# in-toto attestation spec v1 and SLSA provenance v1, as far as both say "required", and no member they do not know
DESCRIPTOR = {
    "type": "object",
    "properties": {
        "uri": {"type": "string"},
        "digest": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}},
        "name": {"type": "string"},
        "downloadLocation": {"type": "string"},
        "mediaType": {"type": "string"},
        "content": {"type": "string"},
        "annotations": {"type": "object"},
    },
    "additionalProperties": False,
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
}
STATEMENT = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {"type": "array", "minItems": 1, "items": {**DESCRIPTOR, "required": ["digest"]}},
        "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "predicate": {
            "type": "object",
            "required": ["buildDefinition", "runDetails"],
            "additionalProperties": False,
            "properties": {
                "buildDefinition": {
                    "type": "object",
                    "required": ["buildType", "externalParameters"],
                    "additionalProperties": False,
                    "properties": {
                        "buildType": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
                        "externalParameters": {"type": "object"},
                        "internalParameters": {"type": "object"},
                        "resolvedDependencies": {"type": "array", "items": DESCRIPTOR},
                    },
                },
                "runDetails": {
                    "type": "object",
                    "required": ["builder"],
                    "additionalProperties": False,
                    "properties": {
                        "builder": {
                            "type": "object",
                            "required": ["id"],
                            "additionalProperties": False,
                            "properties": {
                                "id": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
                                "builderDependencies": {"type": "array", "items": DESCRIPTOR},
                                "version": {"type": "object", "additionalProperties": {"type": "string"}},
                            },
                        },
                        "metadata": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "invocationId": {"type": "string"},
                                "startedOn": {"type": "string"},
                                "finishedOn": {"type": "string"},
                            },
                        },
                        "byproducts": {"type": "array", "items": DESCRIPTOR},
                    },
                },
            },
        },
    },
}
FACET = {"type": "object", "required": ["_producer", "_schemaURL"]}
DATASET = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"facets": {"type": "object", "additionalProperties": FACET}},
}
# OpenLineage 2-0-2, $defs/RunEvent
RUN_EVENT = {
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"facets": {"type": "object", "additionalProperties": FACET}},
        },
        "job": {
            "type": "object",
            "required": ["namespace", "name"],
            "properties": {"facets": {"type": "object", "additionalProperties": FACET}},
        },
        "inputs": {"type": "array", "items": DATASET},
        "outputs": {"type": "array", "items": DATASET},
    },
}


def sealed(*step_records: StepRecord, **more: Any) -> dict[str, Any]:
    return seal_document(record("r1", *step_records, **more), [])


@pytest.mark.parametrize("step_records", [(), (DECIDE,), (replace(TRAIN, outputs=()),)])
def test_a_statement_has_the_shape_of_in_toto_and_slsa(step_records: tuple[StepRecord, ...]) -> None:
    assert list(Draft202012Validator(STATEMENT).iter_errors(statement(sealed(*step_records), "s3://b/r1.json"))) == []


def test_the_subject_of_a_statement_is_the_model() -> None:
    subject = statement(sealed())["subject"]
    assert subject == [{"name": "TrainModel/model", "uri": "s3://b/m/model.tar.gz", "digest": {"s3ListingSha256": SHA}}]


def test_a_run_without_a_product_is_the_subject_itself() -> None:
    document = sealed(DECIDE)
    assert statement(document)["subject"] == [{"name": "daily/r1", "digest": {"runRecordSha256": hash_of(document)}}]


def test_a_statement_says_who_ran_what_when_with_what() -> None:
    document = sealed()
    predicate = statement(document)["predicate"]
    assert predicate["runDetails"]["metadata"] == {
        "invocationId": "daily/r1",
        "startedOn": "2026-01-01T00:00:00Z",
        "finishedOn": "2026-01-01T00:03:00Z",
    }
    assert predicate["buildDefinition"]["externalParameters"]["parameters"] == {"NumRound": 80, "Day": "day-1"}
    assert predicate["buildDefinition"]["resolvedDependencies"] == document["resolvedDependencies"]


@pytest.mark.parametrize(
    ("status", "event"),
    [("Succeeded", "COMPLETE"), ("CompletedWithFailures", "COMPLETE"), ("Failed", "FAIL"), ("Stopped", "ABORT")],
)
def test_the_end_of_a_run_is_a_run_event(status: str, event: str) -> None:
    failed = replace(TRAIN, status="Failed", failure_reason="AlgorithmError: x")
    found = run_event(sealed(failed, status=status))
    assert list(Draft202012Validator(RUN_EVENT).iter_errors(found)) == []
    assert found["eventType"] == event
    assert uuid.UUID(found["run"]["runId"])
    message = found["run"]["facets"]["errorMessage"]
    assert (message["message"], message["programmingLanguage"]) == ("TrainModel: AlgorithmError: x", "python")


def test_datasets_are_named_by_bucket_and_key_with_their_version() -> None:
    versioned = (Artifact("s3://b/data/day.csv", name="day", version="v1", etag="e"),)
    found = run_event(sealed(replace(TRAIN, inputs=versioned)))
    (dataset,) = found["inputs"]
    assert (dataset["namespace"], dataset["name"]) == ("s3://b", "data/day.csv")
    assert dataset["facets"]["version"]["datasetVersion"] == "v1"
    assert dataset["facets"]["version"]["_schemaURL"].endswith(
        "DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
    )
    assert [(d["namespace"], d["name"]) for d in found["outputs"]] == [("s3://b", "m/model.tar.gz")]


def test_data_between_steps_is_an_output_and_no_input() -> None:
    made = replace(TRAIN, inputs=(), outputs=(Artifact("s3://b/mid", role="output"),))
    reads = StepRecord("EvaluateModel", "Processing", "Succeeded", inputs=(Artifact("s3://b/mid/part"),))
    found = run_event(sealed(made, reads))
    assert (found["inputs"], [d["name"] for d in found["outputs"]]) == ([], ["mid"])


def test_exporting_twice_is_the_same_events() -> None:
    assert list(events(sealed())) == list(events(sealed()))


def test_every_step_that_ran_ends_as_a_part_of_the_run() -> None:
    *steps, whole = events(sealed(), "prod")
    assert [one["job"] for one in steps] == [
        {"namespace": "prod", "name": f"daily.{name}", "facets": one["job"]["facets"]}
        for name, one in zip(("TrainModel", "IsBetter"), steps, strict=True)
    ]
    assert all(list(Draft202012Validator(RUN_EVENT).iter_errors(one)) == [] for one in (*steps, whole))
    for one in steps:
        parent = one["run"]["facets"]["parent"]
        assert (parent["run"]["runId"], parent["job"]["name"]) == (whole["run"]["runId"], "daily")


def test_a_steps_facets_have_its_jobs_metrics_decision_and_code() -> None:
    train, decide, _ = events(sealed())
    facet = train["run"]["facets"]["sagemakerMlopsStep"]
    assert facet["jobs"][-1] == {"name": "job-2", "arn": "arn:job-2", "status": "Completed"}
    assert (facet["metrics"], facet["cache"]) == ({"mse": 5.85}, {"result": "miss", "sourceRun": ""})
    location = train["job"]["facets"]["sourceCodeLocation"]
    assert (location["type"], location["url"], location["version"]) == ("git", "https://git.example/repo", "c0ffee")
    assert train["inputs"][0]["inputFacets"]["inputStatistics"]["fileCount"] == 10
    sentence = decide["run"]["facets"]["sagemakerMlopsStep"]["decision"]["sentence"]
    assert sentence == "True: 0.97 > 0.9 is true"


def test_the_runs_facet_has_parameters_decisions_and_the_record() -> None:
    document = sealed()
    facet = run_event(document, uri="s3://b/r1.json")["run"]["facets"]["sagemakerMlopsRun"]
    assert facet["parameters"] == {"NumRound": 80, "Day": "day-1"}
    assert (facet["record"], facet["recordSha256"]) == ("s3://b/r1.json", hash_of(document))
    assert facet["decisions"] == [{"step": "IsBetter", "outcome": True, "sentence": "True: 0.97 > 0.9 is true"}]


def test_facets_of_our_own_are_as_their_schema_says() -> None:
    schema = json.loads(files("airflow_sagemaker_mlops.records.export").joinpath("openlineage_facets.json").read_text())
    base = Registry().with_resource(  # the one schema of OpenLineage that ours stand on
        "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        DRAFT202012.create_resource({"$defs": {"RunFacet": FACET}}),
    )
    registry = base.with_resource(schema["$id"], DRAFT202012.create_resource(schema))
    failed = replace(TRAIN, status="Failed", failure_reason="AlgorithmError: x")
    for event in (*events(sealed()), *events(sealed(failed, status="Failed"))):
        (facet,) = (one for name, one in event["run"]["facets"].items() if name.startswith("sagemakerMlops"))
        validator = Draft202012Validator({"$ref": facet["_schemaURL"]}, registry=registry)
        assert list(validator.iter_errors(facet)) == []


def test_a_table_has_a_row_a_step() -> None:
    table = list(csv.DictReader(io.StringIO(rows([sealed(), sealed()]))))
    steps = len(sealed()["steps"])
    assert len(table) == 2 * steps
    trained = next(row for row in table if row["step"] == "TrainModel")
    assert (trained["job"], trained["metrics"], trained["billable_seconds"]) == ("job-2", "mse=5.85", "100.0")


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x"])
def test_a_text_is_no_formula_in_a_spreadsheet(text: str) -> None:
    table = list(csv.DictReader(io.StringIO(rows([sealed(replace(TRAIN, failure_reason=text))]))))
    assert next(row for row in table if row["step"] == "TrainModel")["failure_reason"] == f"'{text}"
