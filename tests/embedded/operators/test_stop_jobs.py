"""The end of a run stops the jobs of its own steps, not those of another run with the same ids."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import DAG
from airflow_names import DagSerialization
from sleeping_job import sleeping_job

from airflow_sagemaker_mlops import (
    SageMakerPipelineDag,
    SageMakerPipelineTaskGroup,
)
from airflow_sagemaker_mlops import (
    local_aws as local,
)
from airflow_sagemaker_mlops.airflow_versions import STARTS_IN_TRIGGERER
from airflow_sagemaker_mlops.execution.identity import StepIdentity, resource_name
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry
from airflow_sagemaker_mlops.operators import ProcessingStepOperator, StopRunningJobsOperator
from airflow_sagemaker_mlops.runs.clients import local_aws_clients
from airflow_sagemaker_mlops.runtime.stopping.jobs import stop_left_running, waiting_steps

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("nothing_asleep")]

PREPARE = {"Name": "Prepare", "Type": "Processing", "Arguments": {"RoleArn": "arn:r"}}
OURS, THEIRS, BEFORE = "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000002Z", "2025-12-31T00:00:00.000000Z"


RUN = SimpleNamespace(start_date=None, run_after=None, conf={})
PREPARE = {"Name": "Prepare", "Type": "Processing", "Arguments": {"RoleArn": "arn:r"}}
OURS, THEIRS, BEFORE = "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000002Z", "2025-12-31T00:00:00.000000Z"


def job_of(aws: local.LocalAws, run_id: str, started: str, ordinal: int) -> str:
    identity = StepIdentity("p", "Prepare", "p", run_id, "Prepare", run_started=started)
    return sleeping_job(aws, resource_name(identity, ordinal), 60, identity.tags("request"))


def swept(aws: local.LocalAws, run_id: str, journal: Entry | None) -> list[str]:
    """What the status task of a pipeline with one step stops, whose journal holds ``journal``."""
    step = {"Name": "Prepare", "Type": "Processing", "Arguments": {"RoleArn": aws.role_arn}}
    dag = SageMakerPipelineDag("p", {"Version": "2020-12-01", "Steps": [step]})
    ti = SimpleNamespace(dag_id="p", run_id=run_id, task=SimpleNamespace(dag=dag))

    async def open_aws(*_access: Any) -> Any:
        return local_aws_clients(aws)

    async def read_journal(_task_id: str) -> Entry | None:
        return journal

    work = stop_left_running(
        ti,
        waiting_steps(ti, ["Prepare"]),
        started=OURS,
        killed=[],
        cut_off=False,
        open_aws=open_aws,
        read_journal=read_journal,
        log=print,
    )
    return asyncio.run(work)


def test_the_same_run_of_another_airflow_in_this_account_is_left_alone(aws: local.LocalAws) -> None:
    mine, theirs = job_of(aws, "twins", OURS, 0), job_of(aws, "twins", THEIRS, 1)
    assert swept(aws, "twins", None) == [mine]
    assert aws.client("sagemaker").describe_processing_job(ProcessingJobName=theirs)["ProcessingJobStatus"] == (
        "InProgress"
    )


def test_a_job_from_before_a_clear_is_stopped_when_a_step_had_gone_on_with_it(aws: local.LocalAws) -> None:
    before = job_of(aws, "cleared", BEFORE, 0)
    assert swept(aws, "cleared", Entry("another", 1, 1, "", JobState.RUNNING)) == []
    assert swept(aws, "cleared", Entry(before, 0, 2, "", JobState.RUNNING)) == [before]


def test_a_job_of_an_earlier_version_which_tagged_whole_seconds_is_stopped(aws: local.LocalAws) -> None:
    earlier = job_of(aws, "upgraded", "2026-01-01T00:00:00Z", 0)
    assert swept(aws, "upgraded", None) == [earlier]


def test_a_mapped_step_is_swept_with_the_access_that_its_instances_share() -> None:
    with DAG("access", schedule=None, default_args={"aws_conn_id": "ml"}) as dag:
        each = ProcessingStepOperator.partial(task_id="each", region_name="eu-west-1").expand(arguments=[{}, {}])
        each >> StopRunningJobsOperator(task_id="stop")
    step = waiting_steps(SimpleNamespace(task=dag.task_dict["stop"]), ["each"])["each"]
    assert (step.type, step.connection.aws_conn_id, step.connection.region_name) == ("Processing", "ml", "eu-west-1")


def test_what_other_packages_have_begin_in_the_triggerer_is_no_step_to_stop() -> None:
    with DAG("around", schedule=None) as dag:
        group = SageMakerPipelineTaskGroup("ml", {"Version": "2020-12-01", "Steps": [PREPARE]})
        watch = FileSensor(task_id="watch", filepath="data")
        (
            watch
            >> group
            >> ProcessingStepOperator(task_id="mine", arguments={})
            >> StopRunningJobsOperator(task_id="stop")
        )
    ti = SimpleNamespace(task=dag.task_dict["stop"])
    assert waiting_steps(ti, dag.task_dict).keys() == {"ml.Prepare", "mine"}
    stored_dag = DagSerialization.from_dict(DagSerialization.to_dict(dag))  # as a triggerer has it
    stored: Any = SimpleNamespace(task=SimpleNamespace(dag=stored_dag))
    assert waiting_steps(stored, dag.task_dict).keys() == ({"ml.Prepare", "mine"} if STARTS_IN_TRIGGERER else set())
