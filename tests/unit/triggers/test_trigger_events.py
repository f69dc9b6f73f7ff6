"""The events between a worker and a trigger, as Airflow stores them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.step_run import Submitted
from airflow_sagemaker_mlops.runtime.events import (
    HandOver,
    PipelineEndedBadly,
    StepEndedBadly,
    StepInterrupted,
    StepSucceeded,
    WorkerNeeded,
    from_payload,
    to_payload,
)

RESULT = {"Step": "Train", "Status": "Succeeded", "Properties": {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"}}}


@pytest.mark.parametrize(
    "event",
    [
        WorkerNeeded(),
        StepSucceeded(RESULT, {"console": "https://x"}),
        StepEndedBadly("no data", "SageMaker.JOB_ERROR", "a report", {"Step": "Train"}, {"logs": "https://y"}),
        StepInterrupted("no answer", "Traceback", outage=True),
        PipelineEndedBadly({"Status": "Failed"}, "Train failed"),
    ],
)
def test_an_event_is_the_same_after_airflow_has_stored_it(event: Any) -> None:
    assert from_payload(json.loads(json.dumps(to_payload(event)))) == event


@pytest.mark.parametrize("step_start", [None, {"begun": "2026-01-01T00:00:00Z"}])
def test_what_a_worker_hands_over_is_the_same_after_airflow_has_stored_it(step_start: Any) -> None:
    identity = StepIdentity("p", "Train", "d", "r", "Train", try_number=2)
    job = Submitted("job", "arn", 1, "now", facts={"Count": 2})
    made = HandOver(identity, job, step_start, ["s3cret"], {"a": "b"}, {"Mode": "fast"})
    assert HandOver.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize("payload", [None, {}, {"event": "OfALaterVersion", "result": 1}])
def test_an_unknown_event_says_that_the_step_was_interrupted(payload: Any) -> None:
    assert isinstance(from_payload(payload), StepInterrupted)
