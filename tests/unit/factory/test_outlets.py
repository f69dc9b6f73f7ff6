"""Asset events as requested by a DAG file."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow_names import DagSerialization

from airflow_sagemaker_mlops import (
    InvalidPipeline,
    SageMakerPipelineDag,
    SageMakerPipelineTaskGroup,
    model_asset,
)
from airflow_sagemaker_mlops.airflow_versions import NESTED_ALIAS_EXTRAS
from airflow_sagemaker_mlops.integrations.emit_asset_events import emit_for_run, emit_for_step
from airflow_sagemaker_mlops.records.seal.seal import Sealed

STEP = {"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": "arn:aws:iam::123456789012:role/R"}}
REGISTER = {"Name": "Register", "Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": "abalone"}}
DOCUMENT = {"Version": "2020-12-01", "Steps": [STEP, REGISTER]}
RESULT = {
    "Step": "Register",
    "Arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/abalone/3",
    "Reused": False,
    "ModelPackage": {"Group": "abalone", "Version": 3, "ApprovalStatus": "Approved"},
}
RECORD = {
    "run": {"dag_id": "p", "run_id": "r", "status": "Succeeded"},
    "models": [],
    "steps": [{"step": "Train", "status": "Succeeded", "outputs": [{"uri": "s3://b/features/1", "etag": "e"}]}],
}


def context(**more: Any) -> dict[str, Any]:
    ti = SimpleNamespace(dag_id="p", run_id="r", task_id="Register")
    return {"ti": ti, "dag_run": SimpleNamespace(clear_number=0), "outlet_events": OutletEventAccessors(), **more}


def unasked(arn: str) -> dict[str, Any]:
    raise AssertionError(f"{arn} was described")


def added(events: Any, alias: str = "p") -> dict[str, dict[str, Any]]:
    return {e.dest_asset_key.name: e.extra for e in events[AssetAlias(alias)].asset_alias_events}


def test_the_asset_of_a_model_is_named_by_its_group_however_that_is_written() -> None:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/abalone"
    assert model_asset(arn) == model_asset("abalone")
    assert model_asset("abalone").uri == "sagemaker://model-package-group/abalone/approved"
    assert model_asset("abalone", "registered") != model_asset("abalone")
    with pytest.raises(ValueError, match='use "approved" or "registered"'):
        model_asset("abalone", "rejected")  # type: ignore[arg-type]


def test_a_step_that_registers_a_model_has_the_pipelines_alias_and_no_other_task_has_one() -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT)
    assert {task_id: task.outlets for task_id, task in dag.task_dict.items() if task.outlets} == {
        "Register": [AssetAlias("p")]
    }
    with DAG("big", schedule=None) as big:
        SageMakerPipelineTaskGroup("ml", DOCUMENT, records="s3://r/records", outlets=["s3://b/features"])
    told = {task_id: task.outlets for task_id, task in big.task_dict.items() if task.outlets}
    assert told == {"ml.Register": [AssetAlias("big.ml")], "ml.pipeline.status": [AssetAlias("big.ml")]}


def test_outlets_of_the_step_replace_the_alias() -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT, steps={"Register": {"outlets": []}})
    assert dag.get_task("Register").outlets == []


def test_the_alias_costs_a_registering_step_few_bytes() -> None:
    sizes = [
        len(json.dumps(DagSerialization.to_dict(SageMakerPipelineDag("p", DOCUMENT, steps=steps))["dag"]))
        for steps in ({}, {"Register": {"outlets": []}})
    ]
    assert sizes[0] - sizes[1] < 250


def test_an_approved_model_is_reported_through_the_alias_to_both_assets() -> None:
    operator, given = SageMakerPipelineDag("p", DOCUMENT).get_task("Register"), context()
    emit_for_step(operator.step, operator.outlets, given, RESULT)
    found = added(given["outlet_events"])
    assert set(found) == {model_asset("abalone").name, model_asset("abalone", "registered").name}
    assert found["abalone/approved"]["model_package_arn"] == RESULT["Arn"]


def test_a_reused_model_is_reported_to_nobody() -> None:
    operator, given = SageMakerPipelineDag("p", DOCUMENT).get_task("Register"), context()
    emit_for_step(operator.step, operator.outlets, given, {**RESULT, "Reused": True})
    assert added(given["outlet_events"]) == {}


def test_an_asset_among_a_steps_outlets_gets_the_extra_and_a_reused_result_says_so() -> None:
    asset = Asset("x-data://somewhere")
    operator = SageMakerPipelineDag("p", DOCUMENT, steps={"Train": {"outlets": [asset]}}).get_task("Train")
    given = context()
    emit_for_step(
        operator.step,
        operator.outlets,
        given,
        {"Step": "Train", "Arn": "arn:job", "Metrics": {"auc": 0.9}, "Reused": True},
    )
    assert given["outlet_events"][asset].extra == {
        "metrics": {"Train": {"auc": 0.9}},
        "dag_id": "p",
        "run_id": "r",
        "step": "Train",
        "arn": "arn:job",
        "reused": True,
    }


def test_what_a_run_wrote_is_reported_to_the_outlets_of_its_pipeline() -> None:
    outlets = ["s3://b/features/", Asset(name="other", uri="s3://b/other")]
    dag = SageMakerPipelineDag("p", DOCUMENT, records="s3://r/records", outlets=outlets)
    status_task, given = dag.get_task("pipeline.status"), context()
    assert status_task.outlets == [AssetAlias("p")]
    emit_for_run(status_task, given, Sealed("s3://r/x.json", "0", record=RECORD), [], unasked)
    found = added(given["outlet_events"])
    assert set(found) == {Asset("s3://b/features").name}
    (extra,) = found.values()
    outputs = [{"step": "Train", "uri": "s3://b/features/1", "etag": "e"}]
    assert extra["outputs"] == (outputs if NESTED_ALIAS_EXTRAS else json.dumps(outputs))
    assert extra["record"] == "s3://r/x.json"


def test_a_model_that_a_later_step_approved_is_reported_at_the_end_of_a_recorded_run() -> None:
    status_task = SageMakerPipelineDag("p", DOCUMENT, records="s3://r/records").get_task("pipeline.status")
    given = context()
    model = {"step": "Register", "arn": RESULT["Arn"], "group": "abalone", "version": 3}
    record = {**RECORD, "models": [{**model, "approval_status": "PendingManualApproval"}]}
    sealed = Sealed("s3://r/x.json", "0", record=record)
    emit_for_run(status_task, given, sealed, [], lambda _arn: {"ModelApprovalStatus": "Approved"})
    ((name, extra),) = added(given["outlet_events"]).items()
    assert (name, extra["model_package_arn"], extra["approval_status"]) == (
        model_asset("abalone").name,
        RESULT["Arn"],
        "Approved",
    )
    assert SageMakerPipelineDag("p", DOCUMENT).get_task("pipeline.status").outlets == []  # it ends in the triggerer


def test_a_run_that_failed_tells_nobody() -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT, records="s3://r/records", outlets=["s3://b/features"])
    status_task, given = dag.get_task("pipeline.status"), context()
    failed = {**RECORD, "run": {"dag_id": "p", "run_id": "r", "status": "Failed"}}
    emit_for_run(status_task, given, Sealed("s3://r/x.json", "0", record=failed), [], unasked)
    assert added(given["outlet_events"]) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outlets": ["s3://b/x"], "records": "off"}, "nothing is recorded"),
        ({"outlets": ["gs://b/x"], "records": "s3://r"}, '"gs://b/x" is not an S3 location.'),
        ({"outlets": [model_asset("abalone")], "records": "s3://r"}, "Registered models have events"),
    ],
)
def test_outlets_that_can_have_no_events_are_refused(options: dict[str, Any], said: str) -> None:
    dag = SageMakerPipelineDag("p", DOCUMENT, **options)
    with pytest.raises(InvalidPipeline, match="SM410") as caught:
        dag.validate()
    assert said in str(caught.value)
