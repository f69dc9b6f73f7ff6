"""Whole pipelines against an embedded AWS that loses answers, throttles and fails: every step has exactly one job."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import builders
import pytest
from botocore.config import Config

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.fault_injection import read_rules
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shaky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An embedded AWS of its own; its faults are switched by the tests."""
    state_dir = tmp_path_factory.mktemp("shaky")
    yield local_aws.start(state_dir)
    local_aws.stop(state_dir)


@pytest.fixture(autouse=True)
def no_faults_afterwards(shaky: LocalAws) -> Iterator[None]:
    yield
    (Path(shaky.state_dir) / "faults.json").unlink(missing_ok=True)


def inject(aws: LocalAws, *rules: dict[str, Any], seed: int = 1) -> None:
    (Path(aws.state_dir) / "faults.json").write_text(json.dumps({"seed": seed, "rules": rules}))


def processing(aws: LocalAws, name: str, *after: str) -> dict[str, Any]:
    return builders.processing(aws.role_arn, name, "true", DependsOn=list(after))


def run(aws: LocalAws, steps: list[Any], clients: SessionAws | None = None) -> PipelineRun:
    running = PipelineRun(
        plan=make_plan(load_pipeline({"Version": "2020-12-01", "Steps": steps})),
        pipeline="shaky",
        run_id=uuid.uuid4().hex,
        aws=clients or local_aws_clients(aws),
        parameters={},
        options=ExecutionOptions(poll_interval_s=0.5),
        notify=lambda _step, _line: None,
    )
    asyncio.run(running.run())
    return running


def jobs(aws: LocalAws, running: PipelineRun) -> list[str]:
    (Path(aws.state_dir) / "faults.json").unlink(missing_ok=True)
    results = [step.result or {} for step in running.steps.values()]
    execution = str(results[0]["Name"]).split("-")[1]
    found = aws.client("sagemaker").list_processing_jobs(NameContains=execution, MaxResults=100)
    return sorted(row["ProcessingJobName"] for row in found["ProcessingJobSummaries"])


@pytest.mark.parametrize(
    "rules",
    [
        [{"operation": "^Create", "kind": "lost_answer", "rate": 0.5}],
        [{"operation": "^Create", "kind": "drop", "rate": 0.5}],
        [{"operation": "Job", "kind": "throttle", "rate": 0.3}],
        [{"operation": "Job", "kind": "error", "rate": 0.3}],
        [{"operation": "^Describe", "kind": "not_found_yet", "seconds": 1.0}],
        [
            {"operation": "^Create", "kind": "lost_answer", "rate": 0.3},
            {"operation": "^Describe", "kind": "not_found_yet", "rate": 0.5, "seconds": 0.5},
            {"operation": ".", "kind": "throttle", "rate": 0.05},
            {"operation": ".", "kind": "error", "rate": 0.05},
        ],
    ],
    ids=["lost answers", "dropped", "throttled", "5xx", "not visible yet", "all"],
)
def test_every_step_has_exactly_one_job(shaky: LocalAws, rules: list[dict[str, Any]]) -> None:
    steps = [
        processing(shaky, "A"),
        processing(shaky, "B"),
        processing(shaky, "C", "A"),
        processing(shaky, "D", "B", "C"),
    ]
    inject(shaky, *rules)
    running = run(shaky, steps)
    assert running.status == "Succeeded", [step.error for step in running.steps.values()]
    made = jobs(shaky, running)
    assert made == sorted(str((step.result or {})["Name"]) for step in running.steps.values())


def test_a_lost_answer_is_an_adoption_and_no_second_job_without_boto3s_own_retries(shaky: LocalAws) -> None:
    clients = SessionAws(
        shaky.session(),
        shaky.region,
        key="no-retries",
        endpoint_of=lambda _service: shaky.endpoint_url,
        config=Config(retries={"total_max_attempts": 1}),
    )
    inject(shaky, {"operation": "^CreateProcessingJob", "kind": "lost_answer", "rate": 0.7}, seed=3)
    running = run(shaky, [processing(shaky, "A")], clients)
    assert running.status == "Succeeded", running.steps["A"].error
    assert len(jobs(shaky, running)) == 1


def test_a_rule_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ValueError, match="a fault rule has operation, kind"):
        read_rules('{"rules": [{"operation": ".", "kind": "explode"}]}')
