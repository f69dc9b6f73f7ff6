"""Results that a selection takes from an earlier run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from record_examples import DAILY

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.selection import InvalidSelection, Selection, select
from airflow_sagemaker_mlops.records.capture.recorder import Recorder
from airflow_sagemaker_mlops.records.capture.run_recorder import seal_run
from airflow_sagemaker_mlops.records.model.record import Parameter, assemble
from airflow_sagemaker_mlops.records.model.run_info import RunInfo
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Attempt, CacheOutcome, StepRecord
from airflow_sagemaker_mlops.records.reuse.source_run import ReusingRecorder, SourceRun, check_reuse, read_source
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.sealed import read_schema


def condition(name: str, left: Any, then: list[Any], otherwise: list[Any], *after: str) -> dict[str, Any]:
    terms = [{"Type": "GreaterThan", "LeftValue": left, "RightValue": 0.9}]
    arguments = {"Conditions": terms, "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": list(after)}


MEASURE = {
    "Name": "Measure",
    "Type": "Lambda",
    "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:measure",
    "Arguments": {},
    "OutputParameters": [{"OutputName": "auc", "OutputType": "Float"}],
}
AUC = {"Get": "Steps.Measure.OutputParameters['auc']"}
DECIDE = condition("Decide", AUC, [condition("Yes", AUC, [], [])], [condition("No", 1, [], [])])
PLAN = make_plan(load_pipeline({"Version": "2020-12-01", "Steps": [MEASURE, DECIDE]}))


def step_record(step: str, kind: str, properties: Any, status: str = "Succeeded", **more: Any) -> StepRecord:
    result = {"Step": step, "Type": kind, "Status": status, "Properties": properties, "Reused": False}
    return StepRecord(step, kind, status, result=result, **more)


MEASURED = step_record(
    "Measure", "Lambda", {"OutputParameters": {"auc": 0.95}}, attempts=(Attempt("m", "arn:m"),), jobs_started=1
)
DECIDED = step_record("Decide", "Condition", {"Outcome": True})


def sealed(store: FolderStore, *step_records: StepRecord, status: str = "Succeeded", run_id: str = "r1") -> None:
    identity = RunInfo(
        "p", run_id, status=status, started=f"2026-01-0{run_id[-1]}T00:00:00Z", ended="2026-01-09T00:00:00Z"
    )
    seal_run(store, PLAN, identity, parameters={"Day": Parameter("d", "cli")}, step_records=step_records)


def refused(store: FolderStore, selection: Selection, name: str = "latest") -> list[tuple[str, str]]:
    with pytest.raises(InvalidSelection) as caught:
        check_reuse(PLAN, selection, read_source(store, PLAN, "p", name))
    return [(problem.code, problem.what) for problem in caught.value.problems]


def run(store: FolderStore, *patterns: str) -> tuple[PipelineRun, Recorder]:
    selection, source = select(PLAN, patterns), read_source(store, PLAN, "p", "latest")
    check_reuse(PLAN, selection, source)
    recorder = Recorder(store, "p", "r9", None)
    running = PipelineRun(
        plan=PLAN,
        pipeline="p",
        run_id="r9",
        aws=SimpleNamespace(region="us-east-1", client=lambda _name: None, key="none"),  # type: ignore[arg-type]
        parameters={},
        options=ExecutionOptions(),
        notify=lambda _step, _line: None,
        recorder=ReusingRecorder(recorder, selection, source),
        selection=selection,
    )
    asyncio.run(running.run())
    return running, recorder


def states(running: PipelineRun) -> dict[str, str]:
    return {name: step.state for name, step in running.steps.items()}


def test_selected_steps_run_on_results_of_the_source_and_others_are_left_out(folder: FolderStore) -> None:
    sealed(folder, MEASURED, DECIDED)
    running, recorder = run(folder, "Yes")
    assert states(running) == {
        "Measure": "Succeeded",
        "Decide": "Succeeded",
        "Yes": "Succeeded",
        "No": "NotSelected",
    }, {name: step.error for name, step in running.steps.items()}
    assert running.status == "Succeeded"
    measured = running.steps["Measure"].result or {}
    assert (measured["Reused"], measured["SelectiveExecutionResult"]) == (True, {"SourceRun": "r1"})
    assert sum(step.jobs_started for step in running.steps.values()) == 0
    kept = {f.step: f for f in recorder.step_records}
    assert (kept["Measure"].cache, kept["Measure"].attempts) == (CacheOutcome("", {}, "reused", "r1", "arn:m"), ())


def test_the_record_of_a_selective_run_follows_the_schema(folder: FolderStore) -> None:
    sealed(folder, MEASURED, DECIDED)
    running, recorder = run(folder, "Yes")
    ends = {name: step.state for name, step in running.steps.items()}
    identity = RunInfo("p", "r9", status="Succeeded", started=running.started, ended=running.ended or "")
    document = assemble(PLAN, identity, parameters={}, step_records=recorder.step_records, ends=ends)
    schema = read_schema()
    schema["required"] = [name for name in schema["required"] if name != "integrity"]  # not sealed
    Draft202012Validator(schema).validate(document)
    assert document["totals"]["jobs_started"] == 0
    assert {step["step"]: step["status"] for step in document["steps"]}["No"] == "NotSelected"


def test_a_selected_condition_decides_again_and_only_about_selected_steps(folder: FolderStore) -> None:
    sealed(folder, MEASURED, step_record("Decide", "Condition", {"Outcome": False}))
    running, _ = run(folder, "Decide", "No")
    assert states(running) == {"Measure": "Succeeded", "Decide": "Succeeded", "Yes": "NotSelected", "No": "NotTaken"}


def test_everything_that_cannot_be_reused_is_reported_at_once(folder: FolderStore) -> None:
    sealed(folder, step_record("Measure", "Lambda", {"OutputParameters": {}}), status="Failed")
    assert refused(folder, select(PLAN, ["Yes"])) == [
        (
            "SM408",
            '"Yes" takes OutputParameters[\'auc\'] of "Measure", which run "r1" did not keep: there is no '
            "OutputParameters['auc'].",
        ),
        ("SM408", '"Decide" has to be reused, but ended NotStarted in run "r1".'),
    ]


def test_only_properties_that_selected_steps_take_are_needed(folder: FolderStore) -> None:
    sealed(folder, step_record("Measure", "Lambda", {}), step_record("Decide", "Condition", {"Outcome": False}))
    check_reuse(PLAN, select(PLAN, ["No"]), read_source(folder, PLAN, "p", "latest"))


def test_a_step_in_the_branch_that_the_source_did_not_take_is_refused(folder: FolderStore) -> None:
    sealed(folder, MEASURED, DECIDED)
    ((code, what),) = refused(folder, select(PLAN, ["No"]))
    assert (code, what) == ("SM408", '"No" is in branch Else of "Decide", which took If in the source run.')


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (Artifact("s3://b/out", objects=1, sha256="a" * 64), ""),
        (Artifact("s3://b/out", objects=0, sha256="b" * 64), "is gone"),
        (Artifact("s3://b/out", objects=1, sha256="b" * 64), "was changed since"),
        (Artifact("s3://b/out", problem="access denied"), "cannot be listed: access denied"),
    ],
)
def test_a_result_whose_objects_are_not_as_they_were_is_not_reused(
    folder: FolderStore, now: Artifact, why: str
) -> None:
    output = Artifact("s3://b/out", role="output", objects=1, sha256="a" * 64)
    sealed(folder, replace(MEASURED, outputs=(output,)), DECIDED)
    source = read_source(folder, PLAN, "p", "latest")
    if not why:
        check_reuse(PLAN, select(PLAN, ["Yes"]), source, lambda _artifact: now)
        return
    with pytest.raises(InvalidSelection) as caught:
        check_reuse(PLAN, select(PLAN, ["Yes"]), source, lambda _artifact: now)
    (problem,) = caught.value.problems
    assert problem.code == "SM408"
    assert problem.what == f'"Yes" takes results of "Measure": s3://b/out of run "r1" {why}.'
    assert problem.fix == "Select Measure as well."


def test_a_secret_is_no_result(folder: FolderStore) -> None:
    sealed(folder, step_record("Measure", "Lambda", {"OutputParameters": {"auc": "***"}}), DECIDED)
    assert "holds a secret" in refused(folder, select(PLAN, ["Yes"]))[0][1]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("r7", 'there is no source run: there is no record of run "r7" of DAG "p". Use one of: r1, r2.'),
        ("other/r1", 'run "other/r1" is of pipeline "other", and this is "p": results are not exchanged.'),
        ("r2", 'run "r2" is Executing, so its results are not final.'),
    ],
)
def test_a_run_that_is_not_there_or_not_of_the_pipeline_or_not_over_is_no_source(
    folder: FolderStore, name: str, what: str
) -> None:
    sealed(folder, MEASURED, DECIDED)
    sealed(folder, MEASURED, status="Executing", run_id="r2")
    seal_run(folder, PLAN, RunInfo("other", "r1", status="Succeeded"), parameters={}, step_records=())
    with pytest.raises(InvalidSelection) as caught:
        read_source(folder, PLAN, "p", name)
    assert (caught.value.problems[0].code, caught.value.problems[0].what) == ("SM407", what)


def test_the_output_that_holds_a_property_file_is_needed_by_who_reads_the_file(folder: FolderStore) -> None:
    daily = make_plan(load_pipeline(DAILY))
    selection = select(daily, ["IsBetter+"])
    assert selection.reused == ("ProcessDay", "TrainModel", "EvaluateModel", "ProductionMetric")

    def problems(name: str) -> list[str]:
        report = {"OutputName": name, "S3Output": {"S3Uri": "s3://b/report"}}
        measured = {"OutputParameters": {"auc": 0.9, "model_package_arn": "arn:p"}}
        step_records = (
            step_record("ProcessDay", "Processing", {}),
            step_record("TrainModel", "Training", {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"}}),
            step_record("EvaluateModel", "Processing", {"ProcessingOutputConfig": {"Outputs": [report]}}),
            step_record("ProductionMetric", "Lambda", measured),
        )
        source = SourceRun("r1", "Failed", daily.definition_hash, {}, {f.step: f for f in step_records})
        try:
            check_reuse(daily, selection, source)
        except InvalidSelection as error:
            return [problem.where for problem in error.problems]
        return []

    assert problems("report") == []
    assert problems("other") == ["$.Steps.EvaluateModel"]
