"""Steps that a pinned reproduction does not run again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from test_earlier_results import DECIDED, MEASURED, PLAN, sealed, states, step_record

from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.records.capture.recorder import Recorder
from airflow_sagemaker_mlops.records.model.errors import RecordError
from airflow_sagemaker_mlops.records.model.step_record import CacheOutcome, StepRecord
from airflow_sagemaker_mlops.records.reproduce.recorded_answers import AnsweringRecorder, answers_for, done_again
from airflow_sagemaker_mlops.records.reuse.source_run import read_source
from airflow_sagemaker_mlops.records.store.folder import FolderStore


def again(store: FolderStore, *step_records: StepRecord, status: str = "Succeeded") -> tuple[PipelineRun, Recorder]:
    """A pinned run of the recorded one; there is no AWS that could be asked."""
    sealed(store, *step_records, status=status)
    source = read_source(store, PLAN, "p", "latest")
    recorder = Recorder(store, "p", "r9", None)
    running = PipelineRun(
        plan=PLAN,
        pipeline="p",
        run_id="r9",
        aws=SimpleNamespace(region="us-east-1", client=lambda _name: None, key="none"),  # type: ignore[arg-type]
        parameters={},
        options=ExecutionOptions(),
        notify=lambda _step, _line: None,
        recorder=AnsweringRecorder(recorder, answers_for(PLAN, source), source),
    )
    asyncio.run(running.run())
    return running, recorder


def test_a_function_is_not_called_again_and_conditions_are_decided_again(folder: FolderStore) -> None:
    running, recorder = again(folder, MEASURED, DECIDED)
    assert states(running) == {"Measure": "Succeeded", "Decide": "Succeeded", "Yes": "Succeeded", "No": "NotTaken"}
    kept = {item.step: item for item in recorder.step_records}
    assert kept["Measure"].cache == CacheOutcome("", {}, "reused", "r1", "arn:m")
    assert kept["Decide"].cache is None


def test_a_function_that_failed_fails_again_with_its_reason(folder: FolderStore) -> None:
    failed = replace(MEASURED, status="Failed", result=None, failure_reason="no data")
    running, recorder = again(folder, failed, status="Failed")
    assert states(running)["Measure"] == "Failed"
    assert running.steps["Measure"].error == 'Step "Measure" failed in run "r1" too: no data'
    assert [item.failure_reason for item in recorder.step_records] == [running.steps["Measure"].error]


def test_a_function_that_the_recorded_run_did_not_call_is_not_called(folder: FolderStore) -> None:
    running, _ = again(folder, step_record("Measure", "Lambda", {}, status="Stopped"), status="Stopped")
    assert (
        "so there is no recorded answer, and a pinned reproduction does not ask again" in running.steps["Measure"].error
    )


def test_an_answer_that_was_not_kept_is_reported_before_anything_starts(folder: FolderStore) -> None:
    with pytest.raises(RecordError, match=r'answers are not enough: "Decide" takes OutputParameters'):
        again(folder, step_record("Measure", "Lambda", {}), DECIDED)


def test_steps_that_were_taken_from_another_run_are_not_done_again(folder: FolderStore) -> None:
    taken = StepRecord("Train", "Training", "Succeeded", cache=CacheOutcome(result="reused", source_run="r0"))
    hit = StepRecord("Load", "Processing", "Succeeded", cache=CacheOutcome(result="hit", source_run="r0"))
    assert done_again({"Train": taken, "Load": hit, "Measure": MEASURED}) == {"Load": hit}
