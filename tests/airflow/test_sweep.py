"""Which jobs the end of a run stops: those of its own steps, and not those of a run of the same ids elsewhere."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from sleeping_job import sleeping_job

from airflow_sagemaker_mlops import SageMakerPipelineDag, local
from airflow_sagemaker_mlops.cli.aws import embedded
from airflow_sagemaker_mlops.execution.identity import StepIdentity, resource_name
from airflow_sagemaker_mlops.execution.journal import Entry
from airflow_sagemaker_mlops.operators.sweep import stop_left_running

pytestmark = pytest.mark.e2e

OURS, THEIRS, BEFORE = "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000002Z", "2025-12-31T00:00:00.000000Z"


def job_of(aws: local.LocalAws, run_id: str, started: str, ordinal: int) -> str:
    identity = StepIdentity("p", "Prepare", "p", run_id, "Prepare", run_started=started)
    return sleeping_job(aws, resource_name(identity, ordinal), 60, identity.tags("request"))


def swept(aws: local.LocalAws, run_id: str, journal: Entry | None) -> list[str]:
    """What the verdict of a pipeline with one step stops, whose journal holds ``journal``."""
    step = {"Name": "Prepare", "Type": "Processing", "Arguments": {"RoleArn": aws.role_arn}}
    dag = SageMakerPipelineDag("p", {"Version": "2020-12-01", "Steps": [step]})
    ti = SimpleNamespace(dag_id="p", run_id=run_id, task=SimpleNamespace(dag=dag))

    async def open_aws(*_access: Any) -> Any:
        return embedded(aws)

    async def recall(_task_id: str) -> Entry | None:
        return journal

    sweep = stop_left_running(
        ti,
        {"Prepare": "Processing"},
        started=OURS,
        killed=[],
        cut_off=False,
        open_aws=open_aws,
        recall=recall,
        tell=print,
    )
    return asyncio.run(sweep)


def test_the_same_run_of_another_airflow_in_this_account_is_left_alone(aws: local.LocalAws) -> None:
    mine, theirs = job_of(aws, "twins", OURS, 0), job_of(aws, "twins", THEIRS, 1)
    assert swept(aws, "twins", None) == [mine]
    assert aws.client("sagemaker").describe_processing_job(ProcessingJobName=theirs)["ProcessingJobStatus"] == (
        "InProgress"
    )
    aws.client("sagemaker").stop_processing_job(ProcessingJobName=theirs)


def test_a_job_from_before_a_clear_is_stopped_when_a_step_had_gone_on_with_it(aws: local.LocalAws) -> None:
    before = job_of(aws, "cleared", BEFORE, 0)
    assert swept(aws, "cleared", Entry("another", 1, 1, "", "submitted")) == []
    assert swept(aws, "cleared", Entry(before, 0, 2, "", "submitted")) == [before]


def test_a_job_of_an_earlier_version_which_tagged_whole_seconds_is_stopped(aws: local.LocalAws) -> None:
    earlier = job_of(aws, "upgraded", "2026-01-01T00:00:00Z", 0)
    assert swept(aws, "upgraded", None) == [earlier]
