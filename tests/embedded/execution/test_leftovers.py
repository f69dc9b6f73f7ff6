"""Jobs that a run left running are found by the run's id in their names, and stopped; others are not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sleeping_job import sleeping_job

from airflow_sagemaker_mlops.execution import stop_leftovers as stop_module
from airflow_sagemaker_mlops.execution.aws.clients import Aws
from airflow_sagemaker_mlops.execution.identity import StepIdentity, resource_name
from airflow_sagemaker_mlops.execution.stop_leftovers import stop_leftovers, stoppable
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

pytestmark = pytest.mark.e2e


def job_of(aws: LocalAws, run_id: str, step: str, group: str = "") -> str:
    identity = StepIdentity("p", step, "dag", run_id, f"{group}{step}")
    return sleeping_job(aws, resource_name(identity, 0), 600, identity.tags("request"))


async def own(_name: str, tags: Mapping[str, str]) -> bool:
    return tags["airflow:task_id"] == "Prepare"


async def anybody(_name: str, _tags: Mapping[str, str]) -> bool:
    return True


def status_of(aws: LocalAws, name: str) -> Any:
    return aws.client("sagemaker").describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]


def test_jobs_of_the_run_are_stopped_and_those_of_others_go_on(aws: LocalAws) -> None:
    mine, other = job_of(aws, "one", "Prepare"), job_of(aws, "two", "Prepare")
    neighbour = job_of(aws, "one", "Prepare", group="other_group.")
    run = StepIdentity("p", "", "dag", "one", "").execution_id
    told: list[str] = []
    stopped = asyncio.run(
        stop_leftovers(
            local_aws_clients(aws),
            ["Processing", "QualityCheck", "Training"],
            run,
            told.append,
            is_own=own,
            cut_off=False,
        )
    )
    assert stopped == [mine]
    assert told == [f"{mine} was left running: StopProcessingJob"]
    assert status_of(aws, mine) in ("Stopping", "Stopped")
    for name in (other, neighbour):
        assert status_of(aws, name) == "InProgress"
        aws.client("sagemaker").stop_processing_job(ProcessingJobName=name)


def test_a_job_that_appears_only_now_is_found_when_a_step_was_ended_from_outside(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop_module, "LOOK_AGAIN_S", (0.1, 0.1))
    run = StepIdentity("p", "", "dag", "late", "").execution_id
    looks: list[str] = []

    def look(**_call: Any) -> None:
        looks.append(job_of(aws, "late", "Prepare") if len(looks) == 1 else "")

    account = local_aws_clients(aws)
    account.client("sagemaker").meta.events.register("before-call.sagemaker.ListProcessingJobs", look)
    stopped = asyncio.run(stop_leftovers(account, ["Processing"], run, print, is_own=own, cut_off=True))
    assert stopped == [looks[1]]
    assert len(looks) == 3


def refusing(aws: LocalAws, operation: str, about: str = "", code: str = "AccessDeniedException") -> Aws:
    """The account, with one operation refused, for one resource or for all."""

    def refuse(params: dict[str, Any], **_members: Any) -> None:
        if about in str(params["body"]):
            raise ClientError({"Error": {"Code": code, "Message": "not this one"}}, operation)

    account = local_aws_clients(aws)
    account.client("sagemaker").meta.events.register(f"before-call.sagemaker.{operation}", refuse)
    return account


def test_what_may_not_be_listed_is_said_and_raises_nothing(aws: LocalAws) -> None:
    told: list[str] = []
    account = refusing(aws, "ListProcessingJobs")
    look = stop_leftovers(account, ["Processing"], "x", told.append, is_own=anybody, cut_off=False)
    assert asyncio.run(look) == []
    assert told == [
        "jobs of this run may be left running: ListProcessingJobs failed with AccessDeniedException: not this one"
    ]


@pytest.mark.parametrize(
    ("operation", "code", "said"),
    [
        ("ListTags", "AccessDeniedException", "AccessDeniedException: not this one"),
        ("StopProcessingJob", "AccessDeniedException", "AccessDeniedException: not this one"),
        ("StopProcessingJob", "ValidationException", ""),  # what AWS says of a job that ended in the meantime
    ],
)
def test_a_job_that_cannot_be_stopped_keeps_no_other_from_being_stopped(
    aws: LocalAws, operation: str, code: str, said: str
) -> None:
    run_id = f"{operation}-{code}"
    names = [job_of(aws, run_id, step) for step in ("First", "Second", "Third")]
    run = StepIdentity("p", "", "dag", run_id, "").execution_id
    told: list[str] = []
    account = refusing(aws, operation, names[1], code)
    look = stop_leftovers(account, ["Processing"], run, told.append, is_own=anybody, cut_off=False)
    stopped = asyncio.run(look)
    assert sorted(stopped) == sorted([names[0], names[2]]), told
    refused = [line for line in told if names[1] in line]
    why = f"{names[1]} may be left running: ListTags or StopProcessingJob failed with {said}"
    assert refused == ([why] if said else [])
    aws.client("sagemaker").stop_processing_job(ProcessingJobName=names[1])


def test_kinds_that_cannot_be_listed_or_stopped_are_left_out_and_others_are_looked_for_once() -> None:
    found = [entry.listing for entry in stoppable(["Processing", "QualityCheck", "Endpoint", "EMR", "Condition"])]
    assert found == ["ListProcessingJobs"]
