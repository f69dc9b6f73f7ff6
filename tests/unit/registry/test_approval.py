"""Approvals: who decides, what the registry says, and what is left for the record; on the registry in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fake_registry import ARN, FakeRegistry

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.engine import complete
from airflow_sagemaker_mlops.execution.exceptions import StepFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.runners.approval import Answer, save_answer
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun
from airflow_sagemaker_mlops.plan import make_plan

SENTENCE = "AUC 0.68 against 0.64: better."


class Aws:
    region, key, is_local, renew = "us-east-1", "fake", True, None

    def __init__(self, fake: FakeRegistry) -> None:
        self.client = fake.client


def approval(fake: FakeRegistry, *, generation: str = "m0", **arguments: Any) -> StepRun:
    step = {"ModelPackageArn": f"{ARN}1", "Sentence": SENTENCE, **arguments}
    document = {
        "Version": "2020-12-01",
        "Steps": [
            {"Name": "Ask", "Type": "x-approval", "Arguments": step},
            {"Name": "L", "Type": "Lambda", "FunctionArn": "f", "Arguments": {"all": {"Get": "Steps.Ask"}}},
        ],
    }
    task = next(task for task in make_plan(load_pipeline(document)).tasks if task.task_id == "Ask")
    scope = Scope("Ask", {}, {}, {}, {}, lambda _uri: b"")
    identity = StepIdentity("p", "Ask", "d", "r", "Ask", generation=generation)
    options = ExecutionOptions(poll_interval_s=0.05)
    aws: Any = Aws(fake)
    return StepRun(task.spec, task.step_type, identity, scope, aws, print, options=options)


@pytest.fixture
def fake() -> FakeRegistry:
    made = FakeRegistry()
    made.version(1)
    return made


def test_a_decision_in_the_registry_is_waited_for_and_named(fake: FakeRegistry) -> None:
    async def wait() -> Any:
        waiting = asyncio.create_task(complete(approval(fake)))
        while fake.packages[f"{ARN}1"].get("ApprovalDescription") != f"To be decided. {SENTENCE}":
            await asyncio.sleep(0.01)
        assert not waiting.done()
        by = {"UserProfileName": "ann"}
        fake.packages[f"{ARN}1"] |= {"ModelApprovalStatus": "Rejected", "LastModifiedBy": by}
        fake.packages[f"{ARN}1"]["ApprovalDescription"] = "Too slow."
        return await waiting

    result = asyncio.run(wait())
    assert {key: result.properties[key] for key in ("Approved", "Decision", "DecidedBy", "Comment")} == {
        "Approved": False,
        "Decision": "Rejected",
        "DecidedBy": "ann",
        "Comment": "Too slow.",
    }
    assert result.facts["Approval"]["user"] == "ann"


def test_an_answer_given_elsewhere_is_written_into_the_registry_with_name_and_time(fake: FakeRegistry) -> None:
    run = approval(fake)
    asyncio.run(save_answer(run, Answer("Approved", "ben", "2026-11-30T05:00:00Z", "Fine.")))
    result = asyncio.run(complete(run))
    package = fake.packages[f"{ARN}1"]
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["ApprovalDescription"] == f"Approved by ben at 2026-11-30T05:00:00Z. Fine. {SENTENCE}"
    assert result.facts["Approval"] == {
        "model": f"{ARN}1",
        "decision": "Approved",
        "user": "ben",
        "at": "2026-11-30T05:00:00Z",
        "comment": "Fine.",
    }


def test_an_answer_from_before_a_clear_does_not_count(fake: FakeRegistry) -> None:
    run = approval(fake, TimeoutInSeconds=1)
    asyncio.run(save_answer(run, Answer("Approved", "ben", "2026-11-30T05:00:00Z")))
    cleared = replace(run, identity=replace(run.identity, generation="m1"))
    with pytest.raises(StepFailed, match="nobody has approved or rejected late-flights/1 within 1 s"):
        asyncio.run(complete(cleared))


def test_a_rejection_in_the_registry_stands_against_a_later_approval(fake: FakeRegistry) -> None:
    fake.packages[f"{ARN}1"]["ModelApprovalStatus"] = "Rejected"
    run = approval(fake)
    asyncio.run(save_answer(run, Answer("Approved", "ben", "2026-11-30T05:00:00Z")))
    assert asyncio.run(complete(run)).properties["Approved"] is False
    assert fake.packages[f"{ARN}1"]["ModelApprovalStatus"] == "Rejected"


def test_when_time_is_up_the_default_counts_and_nobody_is_named(fake: FakeRegistry) -> None:
    result = asyncio.run(complete(approval(fake, TimeoutInSeconds=1, Default="Rejected")))
    assert (result.properties["Decision"], result.properties["DecidedBy"]) == ("Rejected", "")
    assert result.facts["Approval"]["by_default"] is True
    assert fake.packages[f"{ARN}1"]["ApprovalDescription"].startswith("Rejected by default, as nobody answered in time")
