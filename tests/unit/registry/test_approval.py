"""Approvals: who decides, the state of the registry, and what is recorded; on a registry in memory."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_registry import ARN, FakeRegistry

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.engine import complete
from airflow_sagemaker_mlops.execution.exceptions import StepFailed
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.runners.approval import Answer, ApprovalRunner, save_answer
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun, Submitted
from airflow_sagemaker_mlops.plan import make_plan

pytestmark = pytest.mark.usefixtures("short_pauses")
SENTENCE = "AUC 0.68 against 0.64: better."


class Aws:
    region, key, is_local, renew = "us-east-1", "fake", True, None

    def __init__(self, fake: FakeRegistry) -> None:
        self.client = fake.client


def rejecting(fake: FakeRegistry, call: str, count: int) -> None:
    """Have ann reject the version right before the ``count``-th call of this name."""
    left = [count]

    def before(name: str) -> None:
        left[0] -= name.startswith(call)
        if left[0] == 0 and name.startswith(call):
            decide(fake, "Rejected")

    fake.before = before


def decide(fake: FakeRegistry, status: str) -> None:
    fake.packages[f"{ARN}1"] |= {
        "ModelApprovalStatus": status,
        "ApprovalDescription": "Too slow.",
        "LastModifiedBy": {"UserProfileName": "ann"},
    }


def timed_out(fake: FakeRegistry) -> Any:
    """The result of a step whose time is up, and which approves by default; another process waits for it."""

    async def run_late() -> Any:
        run = approval(fake, TimeoutInSeconds=60, Default="Approved")
        job = await ApprovalRunner().submit(run)
        job = replace(job, since="2026-01-01T00:00:00+00:00")
        unset = replace(run, spec=replace(run.spec, arguments={"ModelPackageArn": {"Get": "Parameters.Unset"}}))
        return await ApprovalRunner().follow(unset, Submitted.from_json(json.loads(json.dumps(asdict(job)))))

    return asyncio.run(run_late())


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


def waited_out(run: StepRun) -> Any:
    """The result of a step with a timeout of one second, which was asked nine tenths of a second ago."""

    async def wait() -> Any:
        job = await ApprovalRunner().submit(run)
        since = datetime.now(UTC) - timedelta(seconds=0.9)
        return await ApprovalRunner().follow(run, replace(job, since=since.isoformat()))

    return asyncio.run(wait())


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


@pytest.mark.parametrize("group", ["late-flights", "arn:aws:sagemaker:us-east-1:1:model-package-group/late-flights"])
def test_a_version_of_the_group_is_accepted_by_its_name_and_its_arn(fake: FakeRegistry, group: str) -> None:
    decide(fake, "Approved")
    assert asyncio.run(complete(approval(fake, ModelPackageGroupName=group))).properties["Approved"] is True


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"ModelPackageGroupName": "churn"}, f'{ARN}1 is a version of "churn", and not of "late-flights".'),
        ({"ModelPackageGroupName": None}, f'{ARN}1 is not a version of "late-flights".'),
    ],
    ids=["of another group", "of no group"],
)
def test_an_approved_version_of_another_group_is_refused_and_the_registry_left_alone(
    fake: FakeRegistry, members: dict[str, Any], said: str
) -> None:
    decide(fake, "Approved")
    fake.packages[f"{ARN}1"] |= members
    before = dict(fake.packages[f"{ARN}1"])
    with pytest.raises(StepFailed) as error:
        asyncio.run(complete(approval(fake, ModelPackageGroupName="late-flights")))
    assert str(error.value) == f'Step "Ask": {said}'
    assert fake.packages[f"{ARN}1"] == before


def test_an_answer_from_before_a_clear_does_not_count(fake: FakeRegistry) -> None:
    run = approval(fake, TimeoutInSeconds=1)
    asyncio.run(save_answer(run, Answer("Approved", "ben", "2026-11-30T05:00:00Z")))
    cleared = replace(run, identity=replace(run.identity, generation="m1"))
    with pytest.raises(StepFailed, match="nobody has approved or rejected late-flights/1 within 1 s"):
        waited_out(cleared)


def test_a_rejection_in_the_registry_stands_against_a_later_approval(fake: FakeRegistry) -> None:
    fake.packages[f"{ARN}1"]["ModelApprovalStatus"] = "Rejected"
    run = approval(fake)
    asyncio.run(save_answer(run, Answer("Approved", "ben", "2026-11-30T05:00:00Z")))
    assert asyncio.run(complete(run)).properties["Approved"] is False
    assert fake.packages[f"{ARN}1"]["ModelApprovalStatus"] == "Rejected"


def test_when_time_is_up_the_default_counts_and_nobody_is_named(fake: FakeRegistry) -> None:
    result = waited_out(approval(fake, TimeoutInSeconds=1, Default="Rejected"))
    assert (result.properties["Decision"], result.properties["DecidedBy"]) == ("Rejected", "")
    assert result.facts["Approval"]["by_default"] is True
    assert fake.packages[f"{ARN}1"]["ApprovalDescription"].startswith("Rejected by default, as nobody answered in time")


@pytest.mark.parametrize("call", ["DescribeModelPackage", "UpdateModelPackage"])
def test_a_rejection_right_before_the_question_is_announced_stands(fake: FakeRegistry, call: str) -> None:
    rejecting(fake, call, 1)
    result = timed_out(fake)
    assert (result.properties["Decision"], result.properties["DecidedBy"]) == ("Rejected", "ann")
    assert fake.packages[f"{ARN}1"]["ModelApprovalStatus"] == "Rejected"


def test_a_rejection_at_any_read_of_the_status_stands_against_the_default(fake: FakeRegistry) -> None:
    timed_out(fake)
    reads = fake.calls.count("DescribeModelPackage")
    assert reads > 4
    for count in range(1, reads + 1):
        trial = FakeRegistry()
        trial.version(1)
        rejecting(trial, "DescribeModelPackage", count)
        assert timed_out(trial).properties["DecidedBy"] == "ann"
        assert trial.packages[f"{ARN}1"]["ModelApprovalStatus"] == "Rejected", f"rejected at read {count}"


def test_a_rejection_right_before_the_answer_of_somebody_else_is_written_stands(fake: FakeRegistry) -> None:
    run = approval(fake)
    asyncio.run(save_answer(run, Answer("Approved", "ben", "2026-11-30T05:00:00Z")))
    rejecting(fake, "DescribeModelPackage", 2)
    assert asyncio.run(complete(run)).properties["DecidedBy"] == "ann"
    assert fake.packages[f"{ARN}1"]["ModelApprovalStatus"] == "Rejected"


@pytest.mark.parametrize(("user", "decision"), [("ben", "Rejected"), ("", "Approved")], ids=["a person", "the default"])
def test_only_a_person_rejects_what_another_has_approved(fake: FakeRegistry, user: str, decision: str) -> None:
    run = approval(fake)
    asyncio.run(save_answer(run, Answer("Rejected", user, "2026-11-30T05:00:00Z")))
    decide(fake, "Approved")
    assert asyncio.run(complete(run)).properties["Decision"] == decision


def test_a_default_that_a_killed_attempt_wrote_stays_the_decision_of_nobody(fake: FakeRegistry) -> None:
    timed_out(fake)
    result = timed_out(fake)
    assert (result.properties["DecidedBy"], result.facts["Approval"]["by_default"]) == ("", True)


def test_a_status_that_the_registration_set_is_the_decision_of_nobody(fake: FakeRegistry) -> None:
    role = {"IamIdentity": {"Arn": "arn:aws:sts::123456789012:assumed-role/pipelines/run"}}
    fake.packages[f"{ARN}1"] |= {"ModelApprovalStatus": "Rejected", "CreatedBy": role, "LastModifiedBy": role}
    result = asyncio.run(complete(approval(fake)))
    assert result.properties["DecidedBy"] == ""
    assert "by_default" not in result.facts["Approval"]
