"""Asset events: their content, and when none is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.integrations.asset_events import (
    approved_since,
    model_in_result,
    outputs_under,
    run_extra,
    step_extra,
)
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.records.model.record import assemble
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Attempt, CacheOutcome, StepRecord
from airflow_sagemaker_mlops.records.store.sealed import seal_document

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/abalone/3"
REGISTERED = {
    "Step": "Register",
    "Type": "RegisterModel",
    "Arn": PACKAGE,
    "Reused": False,
    "ModelPackage": {"Group": "abalone", "Version": 3, "ApprovalStatus": "Approved", "ModelData": "s3://b/m.tar.gz"},
}
FEATURES = StepRecord(
    step="Features",
    type="Processing",
    status="Succeeded",
    ended="2026-01-01T00:00:00Z",
    attempts=(Attempt("job-1", "arn:job-1", "Completed"),),
    outputs=(Artifact("s3://b/features/run-1/", name="f", role="output", sha256="0" * 64, objects=2, bytes=10),),
    metrics={"rows": 7},
)


def record(*step_records: StepRecord, status: str = "Succeeded") -> dict[str, Any]:
    steps = [{"Name": f.step, "Type": "Model", "Arguments": {}} for f in step_records]
    plan = make_plan(load_pipeline({"Version": "2020-12-01", "Steps": steps}))
    run = RunInfo(dag_id="daily", run_id="r1", status=status)
    return seal_document(assemble(plan, run, parameters={}, step_records=step_records), [])


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("Approved", ("registered", "approved")),
        ("PendingManualApproval", ("registered",)),
        ("Rejected", ("registered",)),
        ("", ("registered",)),
    ],
)
def test_only_an_approved_model_is_an_event_of_approved_models(status: str, events: tuple[str, ...]) -> None:
    result = {**REGISTERED, "ModelPackage": {**REGISTERED["ModelPackage"], "ApprovalStatus": status}}  # type: ignore[dict-item]
    model = model_in_result(result)
    assert model is not None
    assert model.events == events


def test_a_reused_result_is_no_new_model() -> None:
    assert model_in_result({**REGISTERED, "Reused": True}) is None


def test_a_models_event_says_where_it_is_how_good_it_is_and_which_run_made_it() -> None:
    train = {"Step": "Train", "Metrics": {"auc": 0.9}}
    extra = step_extra(REGISTERED, dag_id="daily", run_id="r1", record="s3://r/r1.json", upstream={"Train": train})
    assert extra == {
        "model_package_arn": PACKAGE,
        "model_package_group": "abalone",
        "model_package_version": 3,
        "approval_status": "Approved",
        "model_data": "s3://b/m.tar.gz",
        "metrics": {"Train": {"auc": 0.9}},
        "dag_id": "daily",
        "run_id": "r1",
        "step": "Register",
        "record": "s3://r/r1.json",
    }


def test_a_secret_does_not_get_into_an_event() -> None:
    result = {"Step": "A", "Metrics": {"token": "ghp_0123456789abcdefghijklmnop"}}
    assert "ghp_" not in str(step_extra(result, dag_id="d", run_id="r"))


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("s3://b/features", True),
        ("s3://b/features/", True),
        ("s3://b/features/run-1", True),
        ("s3://b/feature", False),
        ("s3://b/features/run-1/part", False),
        ("s3://other/features", False),
    ],
)
def test_an_output_at_or_under_a_location_is_an_event_of_it(location: str, found: bool) -> None:
    assert bool(outputs_under(location, record(FEATURES))) is found


def test_an_event_of_outputs_has_their_versions_and_the_runs_metrics() -> None:
    (output,) = outputs_under("s3://b/features", record(FEATURES))
    assert output == {
        "step": "Features",
        "uri": "s3://b/features/run-1/",
        "name": "f",
        "sha256": "0" * 64,
        "objects": 2,
        "bytes": 10,
    }
    extra = run_extra(record(FEATURES), "s3://r/r1.json")
    assert (extra["metrics"], extra["record"]) == ({"Features": {"rows": 7}}, "s3://r/r1.json")


@pytest.mark.parametrize(
    "nothing_new",
    [
        replace(FEATURES, cache=CacheOutcome(result="hit")),
        replace(FEATURES, cache=CacheOutcome(result="reused")),
        replace(FEATURES, status="Failed"),
        replace(FEATURES, outputs=(replace(FEATURES.outputs[0], objects=0),)),
    ],
)
def test_what_is_taken_from_another_run_failed_or_is_empty_is_no_event(nothing_new: StepRecord) -> None:
    assert outputs_under("s3://b/features", record(nothing_new)) == []


def test_a_cleared_run_tells_only_what_ran_again() -> None:
    earlier = record(FEATURES)
    assert outputs_under("s3://b/features", record(FEATURES), [earlier]) == []
    again = replace(FEATURES, attempts=(Attempt("job-2"),), ended="2026-01-02T00:00:00Z")
    assert len(outputs_under("s3://b/features", record(again), [earlier])) == 1


REGISTER = StepRecord(
    step="Register",
    type="RegisterModel",
    status="Succeeded",
    model_packages=({"arn": PACKAGE, "group": "abalone", "version": 3, "approval_status": "PendingManualApproval"},),
)


@pytest.mark.parametrize(("now", "found"), [("Approved", 1), ("PendingManualApproval", 0), ("Rejected", 0)])
def test_a_model_that_is_approved_by_the_end_of_its_run_is_an_event(now: str, found: int) -> None:
    described = {"ModelApprovalStatus": now, "LastModifiedTime": "2026-01-01T00:00:00Z"}
    assert len(list(approved_since(record(REGISTER), [], lambda _arn: described))) == found


def test_a_model_that_was_approved_when_it_was_registered_is_not_asked_about() -> None:
    model = {**REGISTER.model_packages[0], "approval_status": "Approved"}
    asked: list[str] = []

    def describe(arn: str) -> dict[str, Any]:
        asked.append(arn)
        return {"ModelApprovalStatus": "Approved"}

    assert list(approved_since(record(replace(REGISTER, model_packages=(model,))), [], describe)) == []
    assert asked == []


@pytest.mark.parametrize(("approved", "found"), [("2026-01-01T11:00:00Z", 0), ("2026-01-01T13:00:00Z", 1)])
def test_a_run_concluded_again_tells_of_an_approval_that_came_in_between(approved: str, found: int) -> None:
    earlier = record(REGISTER)
    earlier["run"]["ended"] = "2026-01-01T12:00:00Z"
    described = {"ModelApprovalStatus": "Approved", "LastModifiedTime": approved}
    assert len(list(approved_since(record(REGISTER), [earlier], lambda _arn: described))) == found


@pytest.mark.parametrize(("left", "found"), [("Approved", 0), ("PendingManualApproval", 1)])
def test_the_model_card_of_the_earlier_run_does_not_look_like_an_approval(left: str, found: int) -> None:
    earlier = record(REGISTER)
    earlier["run"]["ended"] = "2026-01-01T12:00:00Z"
    described = {
        "ModelApprovalStatus": "Approved",
        "LastModifiedTime": "2026-01-01T12:00:01Z",
        "CustomerMetadataProperties": {"sagemaker-mlops:status": left},
    }
    assert len(list(approved_since(record(REGISTER), [earlier], lambda _arn: described))) == found
