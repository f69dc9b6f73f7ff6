"""The record: its schema, its content, and how an altered one is detected."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from record_examples import DAILY, DECIDE, PLAN, SHA, TRAIN, identity, record

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.records.capture.sources import from_outside
from airflow_sagemaker_mlops.records.export.openlineage import run_event
from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.model.errors import BrokenRecord, ForeignRecord, OlderSchema
from airflow_sagemaker_mlops.records.model.producers import Producers
from airflow_sagemaker_mlops.records.model.record import DefinitionCopy, Parameter, assemble
from airflow_sagemaker_mlops.records.model.step_record import Artifact, StepRecord
from airflow_sagemaker_mlops.records.reuse.source_run import source_of
from airflow_sagemaker_mlops.records.seal.seal import MAX_INLINE, seal, store_definition
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.reader import read_record, steps_of
from airflow_sagemaker_mlops.records.store.sealed import (
    Link,
    belongs_to,
    hash_of,
    parse_record,
    read_schema,
    seal_document,
    sealed_bytes,
)

VALIDATOR = Draft202012Validator(read_schema())


def sealed(**more: Any) -> dict[str, Any]:
    return seal_document(record(**more), [Link("r0", SHA)])


def test_the_schema_is_a_schema_of_draft_2020_12() -> None:
    Draft202012Validator.check_schema(read_schema())
    assert read_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Stopped", "CompletedWithFailures"])
def test_a_record_fits_the_schema_however_the_run_ended(status: str) -> None:
    step_records = (replace(TRAIN, status="Failed", failure_reason="AlgorithmError"),)
    document = seal_document(record("r1", *step_records, status=status), [])
    assert list(VALIDATOR.iter_errors(document)) == []


def test_a_full_record_fits_the_schema() -> None:
    document = assemble(
        PLAN,
        identity(bundle_name="git", bundle_version="abc", dag_version="3", logical_date="2026-01-01T00:00:00Z"),
        parameters={"NumRound": Parameter(80, "conf")},
        step_records=[TRAIN, DECIDE],
        definition=DefinitionCopy("s3://b/d.json", SHA),
        source_kind="yaml",
        approvals=[{"model": "arn", "decision": "Approved", "user": "bea", "at": "2026-01-02T00:00:00Z"}],
    )
    assert list(VALIDATOR.iter_errors(seal_document(document, [Link("r0", SHA)]))) == []


def test_every_step_of_the_plan_is_in_the_record_in_its_order() -> None:
    names = [task.task_id for task in PLAN.tasks if task.step_type not in ("Status", "RunCondition")]
    document = record()
    assert [step["step"] for step in document["steps"]] == names
    assert {step["step"]: step["status"] for step in document["steps"]}["EvaluateModel"] == "NotStarted"


def test_children_of_loops_follow_the_steps_of_the_plan() -> None:
    child = StepRecord("Try-0", "Processing", "Succeeded", loop="Loop")
    assert record("r", child, TRAIN)["steps"][-1] == {
        "step": "Try-0",
        "type": "Processing",
        "status": "Succeeded",
        "loop": "Loop",
    }


def test_children_of_items_that_a_loop_no_longer_had_are_left_out() -> None:
    loop = StepRecord("Loop", "ForEach", "Succeeded", result={"Loop": {"InputItemCount": 2}})
    children = [StepRecord(f"Try-{n}", "Processing", "Succeeded", loop="Loop") for n in range(3)]
    names = [step["step"] for step in record("r", loop, *children)["steps"]]
    assert names[-3:] == ["Loop", "Try-0", "Try-1"]


def test_jobs_of_a_loop_count_once_and_its_children_are_no_steps() -> None:
    loop = StepRecord("Loop", "ForEach", "Succeeded", jobs_started=2)
    children = [
        StepRecord(f"Try-{n}", "Processing", "Failed", loop="Loop", jobs_started=1, billable_seconds=5.0)
        for n in range(2)
    ]
    with_children, without = record("r", loop, *children)["totals"], record("r", loop)["totals"]
    assert (with_children["jobs_started"], without["jobs_started"]) == (2, 2)
    assert (with_children["steps"], with_children["failed"]) == (without["steps"], 0)
    assert with_children["billable_seconds"] == 10.0


def test_dependencies_are_what_the_run_had_not_made_itself() -> None:
    made = replace(TRAIN, outputs=(Artifact("s3://b/runs/1/train", name="train", role="output", sha256=SHA),))
    reads = StepRecord(
        "EvaluateModel",
        "Processing",
        "Succeeded",
        inputs=(Artifact("s3://b/runs/1/train/part-0"), Artifact("s3://b/holdout", name="holdout", etag="e")),
    )
    uris = [item["uri"] for item in record("r", made, reads)["resolvedDependencies"]]
    assert uris == [PLAN.source, "s3://b/train", "docker://image:1", "https://git.example/repo", "s3://b/holdout"]


STATE = Artifact("s3://b/state", name="state", role="output", sha256=SHA)
FIRST = StepRecord("Prepare", "Processing", "Succeeded", started="2026-01-01T00:00:00Z", ended="2026-01-01T00:01:00Z")
LAST = replace(FIRST, step="Publish", started="2026-01-01T00:02:00Z", ended="2026-01-01T00:03:00Z")
READ = (Artifact("s3://b/state/yesterday.json"),)


@pytest.mark.parametrize(
    ("steps", "outside"),
    [
        ([replace(FIRST, inputs=READ), replace(LAST, outputs=(STATE,))], True),
        ([replace(FIRST, outputs=(STATE,)), replace(LAST, inputs=READ)], False),
        ([replace(FIRST, inputs=READ, outputs=(STATE,))], True),
        ([replace(FIRST, outputs=(STATE,), ended="2026-01-01T00:05:00Z"), replace(LAST, inputs=READ)], True),
        ([replace(FIRST, outputs=(STATE,), ended=""), replace(LAST, inputs=READ)], False),
        (
            [FIRST, replace(LAST, inputs=READ), replace(FIRST, step="Prepare-0", loop="Prepare", outputs=(STATE,))],
            False,
        ),
    ],
    ids=["written later", "written before", "its own", "written meanwhile", "no times", "written by a loop's child"],
)
def test_only_what_an_earlier_step_made_is_not_from_outside(steps: list[StepRecord], outside: bool) -> None:
    (reader,) = (step for step in steps if step.inputs)
    assert Producers(steps).made_before(reader, READ[0].uri) is not outside
    found = [artifact for _, artifact in from_outside({step.step: step for step in steps})]
    assert found == (list(READ) if outside else [])


def test_a_run_that_reads_what_it_writes_at_its_end_names_it_among_its_dependencies() -> None:
    tasks = [replace(PLAN.tasks[0], task_id=name, step_type="Processing") for name in ("Prepare", "Publish")]
    plan = replace(PLAN, tasks=tuple(tasks))
    steps = [replace(FIRST, inputs=READ), replace(LAST, outputs=(STATE,))]
    document = assemble(plan, identity(), parameters={}, step_records=steps)
    assert READ[0].uri in [item["uri"] for item in document["resolvedDependencies"]]
    (event,) = run_event(document)["inputs"]
    assert event["name"] == "state/yesterday.json"


def test_dependencies_are_in_totos_resource_descriptors() -> None:
    found = {item["uri"]: item for item in record()["resolvedDependencies"]}
    assert found[PLAN.source]["digest"] == {"sha256": PLAN.definition_hash}
    assert found["docker://image:1"]["digest"] == {"sha256": SHA}
    assert found["https://git.example/repo"]["digest"] == {"gitCommit": "c0ffee"}
    assert found["s3://b/train"]["digest"] == {"s3ListingSha256": SHA}
    assert found["s3://b/train"]["annotations"] == {
        "role": "input",
        "objects": 10,
        "bytes": 1000,
        "steps": ["TrainModel"],
    }


def test_decisions_keep_both_values_of_every_term() -> None:
    assert record()["decisions"] == [
        {
            "step": "IsBetter",
            "outcome": True,
            "sentence": "True: 0.97 > 0.9 is true",
            "terms": [
                {"expression": "0.97 > 0.9", "left": 0.97, "operator": "GreaterThan", "right": 0.9, "result": True}
            ],
        }
    ]


def test_totals_count_jobs_and_billable_seconds() -> None:
    totals = record()["totals"]
    assert totals["jobs_started"] == 2  # two attempts at one training job
    assert totals["billable_seconds"] == 100.0
    assert totals["billable_by_instance_type"] == {"ml.m5.large": 100.0}
    assert totals["seconds"] == 180.0


def test_secret_parameters_are_masked_in_the_record() -> None:
    given = {"DbPassword": Parameter("hunter2", "conf"), "Note": Parameter("uses hunter2", "conf")}
    document = assemble(PLAN, identity(), parameters=given, step_records=[])
    assert "hunter2" not in json.dumps(document)
    assert document["externalParameters"]["DbPassword"] == {"value": "***", "source": "conf"}


def test_a_diverged_loss_is_recorded_as_text() -> None:
    document = seal_document(record("r", replace(TRAIN, metrics={"loss": float("nan")})), [])
    assert next(step for step in document["steps"] if step["step"] == "TrainModel")["metrics"] == {"loss": "NaN"}
    assert list(VALIDATOR.iter_errors(document)) == []


def test_step_records_survive_being_written_and_read() -> None:
    assert StepRecord.from_json(json.loads(canonical_json(TRAIN.as_json()))) == TRAIN


def test_a_step_record_of_a_later_version_is_read_without_what_is_unknown() -> None:
    assert StepRecord.from_json({**TRAIN.as_json(), "later": 1}) == TRAIN


@pytest.mark.parametrize("data", [None, [], {"step": "A"}, {**TRAIN.as_json(), "inputs": [1]}])
def test_what_is_no_step_record_is_refused(data: Any) -> None:
    with pytest.raises(BrokenRecord):
        StepRecord.from_json(data)


def test_a_sealed_record_is_read_back() -> None:
    document = sealed()
    assert parse_record(canonical_json(document), "r1.json") == document


def test_the_hash_is_sha256_of_the_stored_bytes_without_it() -> None:
    data = canonical_json(sealed())
    digest = sealed()["integrity"]["sha256"]
    assert hashlib.sha256(data.replace(f',"sha256":"{digest}"}},"kind"'.encode(), b'},"kind"')).hexdigest() == digest


def test_a_record_of_schema_1_1_is_read_and_verified_by_its_own_spelling() -> None:
    data = (Path(__file__).parents[2] / "helpers" / "record_1_1.json").read_bytes()
    document = parse_record(data, "r1.json")
    assert next(step for step in document["steps"] if step["step"] == "TrainModel")["billable_seconds"] == 100.0
    assert b"100.0" in data
    with pytest.raises(BrokenRecord, match="was altered after it was sealed"):
        parse_record(data.replace(b"100.0", b"100"), "r1.json")


def test_results_and_parameters_keep_their_numbers_for_later_runs(folder: FolderStore) -> None:
    result = {"Properties": {"auc": 0.0, "rows": 2**60, "huge": 1e20}}
    sealed = seal(
        folder,
        assemble(
            PLAN,
            identity(),
            parameters={"Rate": Parameter(30.0, "conf"), "Day": Parameter("day-1", "default")},
            step_records=[replace(TRAIN, result=result)],
        ),
    )
    read = read_record(folder, "daily", "r1")
    source = source_of(read, steps_of(folder, read))
    assert repr(source.steps["TrainModel"].result) == repr({"Properties": {"auc": 0.0, "huge": 1e20, "rows": 2**60}})
    assert repr(source.parameters) == repr({"Day": "day-1", "Rate": 30.0})
    assert "value_json" not in read["externalParameters"]["Day"]
    VALIDATOR.validate(sealed.record)


def test_a_result_that_contradicts_its_text_is_refused() -> None:
    data = {**TRAIN.as_json(), "result": {"auc": 1}, "result_json": '{"auc":2.0}'}
    with pytest.raises(BrokenRecord, match="its result and result_json are different values"):
        StepRecord.from_json(data)


def test_large_numbers_survive_sealing_and_reading() -> None:
    document = seal_document(record("r1", replace(TRAIN, metrics={"loss": 1e20, "steps": 2**60})), [])
    read = parse_record(sealed_bytes(document), "r1.json")
    assert next(step for step in read["steps"] if step["step"] == "TrainModel")["metrics"] == {
        "loss": 1e20,
        "steps": "1152921504606846976",
    }
    assert sealed_bytes(read) == sealed_bytes(document)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", r"r1\.json is empty\."),
        (canonical_json(sealed())[:-40], r"r1\.json is cut off or was altered: it is not JSON"),
        (canonical_json(sealed()) + b"\n", "was altered after it was sealed"),
        (json.dumps(sealed(), indent=2).encode(), "was altered after it was sealed"),
        (canonical_json(sealed()).replace(b'"80"', b'"81"'), "was altered after it was sealed"),
        (canonical_json({**sealed(), "integrity": {}}), "has no hash"),
        (b"[]", r'is not a run record: its "kind"'),
        (b'{"kind": "something"}', r'is not a run record: its "kind"'),
        (b"\xff\xfe", "it is not JSON"),
    ],
)  # fmt: skip
def test_what_is_no_whole_record_says_what_is_wrong(data: bytes, why: str) -> None:
    with pytest.raises(BrokenRecord, match=why):
        parse_record(data, "r1.json")


def test_a_record_of_an_older_schema_says_which_version_reads_it() -> None:
    data = canonical_json({**sealed(), "schema": "0.3"})
    with pytest.raises(
        OlderSchema, match=r'r1\.json has schema "0\.3", this version reads 1\.x and 2\.x\. Read it with'
    ):
        parse_record(data, "r1.json")


def test_a_record_of_a_later_minor_schema_is_read() -> None:
    later = record()
    later["schema"] = "2.7"
    document = seal_document(later, [])
    assert parse_record(canonical_json(document), "r1.json") == document


def test_a_record_of_another_dag_is_not_taken_for_this_one() -> None:
    with pytest.raises(ForeignRecord, match='is the record of run "r1" of DAG "daily": it was copied there'):
        belongs_to(sealed(), "other", "r1", "x.json")


def test_the_copy_of_a_definition_has_the_hash_of_the_plan(folder: FolderStore) -> None:
    copy = store_definition(folder, "daily", load_pipeline(DAILY).document)
    found = folder.read(f"daily/definitions/{PLAN.definition_hash}.json")
    assert found is not None
    assert (copy.sha256, copy.masked) == (PLAN.definition_hash, False)
    assert hashlib.sha256(found.data).hexdigest() == copy.sha256


def test_a_secret_of_the_run_is_taken_out_of_the_definition_too(folder: FolderStore) -> None:
    document = {"Steps": [{"Arguments": {"Note": "hunter2 is it"}}]}
    copy = store_definition(folder, "d", document, ["hunter2"])
    found = folder.read(f"d/definitions/{copy.sha256}.json")
    assert found is not None
    assert (copy.masked, b"hunter2" in found.data) == (True, False)


def test_a_definition_with_a_secret_is_kept_masked_and_says_so(folder: FolderStore) -> None:
    copy = store_definition(folder, "d", {"Steps": [{"Environment": {"DB_PASSWORD": "hunter2"}}]})
    found = folder.read(f"d/definitions/{copy.sha256}.json")
    assert copy.masked
    assert found is not None
    assert b"hunter2" not in found.data


def test_a_large_request_is_stored_apart_and_read_back(folder: FolderStore) -> None:
    large = {"HyperParameters": {"x": "y" * MAX_INLINE}}
    seal(folder, record("r1", replace(TRAIN, request=large)))
    document = read_record(folder, "daily", "r1")
    step = next(step for step in document["steps"] if step["step"] == "TrainModel")
    assert "request" not in step
    assert list(VALIDATOR.iter_errors(document)) == []
    assert steps_of(folder, document)["TrainModel"].request == large


def test_a_record_may_have_ten_thousand_inputs(folder: FolderStore) -> None:
    many = tuple(Artifact(f"s3://b/in/{n}", name=f"i{n}", objects=1, bytes=1, sha256=SHA) for n in range(10_000))
    seal(folder, record("r1", replace(TRAIN, inputs=many)))
    document = read_record(folder, "daily", "r1")
    assert len(document["resolvedDependencies"]) > 10_000
    assert hash_of(document)
