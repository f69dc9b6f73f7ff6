"""Endpoint steps succeed if the endpoint serves the requested configuration, whoever else changes it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_sagemaker_mlops.execution import engine
from airflow_sagemaker_mlops.execution.exceptions import JobFailed, StepFailed, StepRefused
from airflow_sagemaker_mlops.execution.identity import StepIdentity
from airflow_sagemaker_mlops.execution.job_state import JobState
from airflow_sagemaker_mlops.execution.journal import Entry, MemoryJournal
from airflow_sagemaker_mlops.execution.runners import endpoint
from airflow_sagemaker_mlops.execution.scope import Scope
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions, StepRun, Submitted
from airflow_sagemaker_mlops.plan.spec import StepSpec

ROLLED_BACK = "The deployment was rolled back: its alarm went off."


def refused(operation: str, message: str) -> ClientError:
    answer: Any = {"Error": {"Code": "ValidationException", "Message": message}}
    return ClientError(answer, operation)


class Killed(BaseException):
    """The process of the step ends here."""


class KillableJournal(MemoryJournal):
    """A journal whose process may end before or after a write."""

    def __init__(self, hosting: Hosting) -> None:
        super().__init__()
        self.hosting = hosting

    async def write(self, entry: Entry) -> None:
        self.hosting.step()
        await super().write(entry)
        self.hosting.step()


@dataclass
class Hosting:
    """SageMaker as far as one endpoint goes, by the API reference: a change takes some looks, and may be rolled back.

    ends    what becomes of each change: it "serves" or is "rolled back"
    lost    how many calls are carried out and answered with what boto3's own repetition of them is
    """

    serves: str = ""
    ends: list[str] = field(default_factory=list)
    lost: int = 0
    coming: str = ""
    looks: int = 0
    reason: str = ""
    broken: str = ""
    calls: list[str] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    silent: bool = False
    steps_until_kill: int = -1
    region: str = "us-east-1"
    is_local: bool = True

    @property
    def key(self) -> str:
        return f"hosting-{id(self)}"

    def client(self, _service: str) -> Hosting:
        return self

    def step(self) -> None:
        """A point at which the process of the step may be killed."""
        if self.steps_until_kill == 0:
            raise Killed
        self.steps_until_kill -= 1

    def describe_alarms(self, AlarmNames: list[str], **_rest: Any) -> dict[str, Any]:
        rows = [{"AlarmName": name, "StateValue": self.alarms[name]} for name in AlarmNames if name in self.alarms]
        return {"MetricAlarms": [{**row, "StateUpdatedTimestamp": datetime.now(UTC)} for row in rows]}

    def describe_alarm_history(self, AlarmName: str, HistoryItemType: str, StartDate: str) -> dict[str, Any]:
        assert HistoryItemType == "StateUpdate"
        assert datetime.fromisoformat(StartDate)
        changes = self.history.get(AlarmName)
        if changes is None:
            raise refused("DescribeAlarmHistory", "not authorized")
        data = [{"oldState": {"stateValue": old}, "newState": {"stateValue": new}} for old, new in changes]
        return {"AlarmHistoryItems": [{"HistoryData": json.dumps(change)} for change in data]}

    def change(self, config: str) -> None:
        """Begin to serve ``config``."""
        self.coming, self.looks, self.reason = config, 2, ""

    def _look(self) -> None:
        if self.coming and self.looks == 0:
            if not self.ends or self.ends.pop(0) == "serves":
                self.serves = self.coming
            else:
                self.reason = "" if self.silent else ROLLED_BACK
            self.coming = ""
        self.looks = max(0, self.looks - 1)

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        self._look()
        if not self.serves and not self.coming:
            raise refused("DescribeEndpoint", "Could not find endpoint")
        status = "InService" if not self.coming else "Updating" if self.serves else "Creating"
        status = self.broken or status
        shown = {"EndpointName": EndpointName, "EndpointArn": "arn", "EndpointStatus": status}
        pending = {"PendingDeploymentSummary": {"EndpointConfigName": self.coming}} if self.coming else {}
        return {**shown, "EndpointConfigName": self.serves or self.coming, "FailureReason": self.reason, **pending}

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str, **_rest: Any) -> dict[str, Any]:
        self.calls.append(f"create {EndpointConfigName}")
        if not self.serves and not self.coming:
            self.change(EndpointConfigName)
            if self.lost == 0:
                return {"EndpointArn": "arn"}
            self.lost -= 1
        raise refused("CreateEndpoint", f'Cannot create already existing endpoint "{EndpointName}".')

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str, **rest: Any) -> dict[str, Any]:
        self.step()
        self.calls.append(f"update {EndpointConfigName}")
        if not self.coming:
            self.change(EndpointConfigName)
            self.told = rest
            self.step()
            if self.lost == 0:
                return {"EndpointArn": "arn"}
            self.lost -= 1
        raise refused("UpdateEndpoint", f'Cannot update in-progress endpoint "{EndpointName}".')


class Beaten(Hosting):
    """Somebody else creates the endpoint between our look and our call."""

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str, **_rest: Any) -> dict[str, Any]:
        self.change("theirs")
        return super().create_endpoint(EndpointName, EndpointConfigName)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch, short_pauses: None) -> None:
    monkeypatch.setattr(endpoint, "SHOWN_WITHIN_S", 0.05)


def attempt(hosting: Any, kind: str = "Endpoint", **arguments: Any) -> StepRun:
    given = arguments or {"EndpointName": "prod", "EndpointConfigName": "new"}
    identity = StepIdentity("p", "Deploy", "d", "r", "Deploy", run_started="2026-01-01T00:00:00Z")
    scope = Scope("Deploy", {}, {}, {}, {}, lambda _uri: b"")
    options = ExecutionOptions(poll_interval_s=0.05)
    spec = StepSpec(given, outputs="all")
    return StepRun(spec, kind, identity, scope, hosting, log=lambda *_: None, options=options)


def test_an_update_that_is_rolled_back_fails_the_step_with_what_serves_and_why() -> None:
    hosting = Hosting("old", ["rolled back"])
    with pytest.raises(JobFailed) as caught:
        asyncio.run(engine.run_step(attempt(hosting)))
    assert str(caught.value) == (
        'Step "Deploy": prod ended InService: it serves EndpointConfigName "old" instead of "new": the update was '
        f'rolled back. "old" stays in service. {ROLLED_BACK}'
    )
    assert caught.value.result["Status"] == "Failed"
    assert hosting.calls == ["update new"]


def test_what_was_asked_for_is_known_to_the_process_that_waits() -> None:
    hosting = Hosting("old", ["rolled back"])
    run = attempt(hosting)
    handed_over = Submitted(**asdict(asyncio.run(engine.submit(run))))
    with pytest.raises(JobFailed, match='serves EndpointConfigName "old"'):
        asyncio.run(engine.follow(replace(run, journal=MemoryJournal()), handed_over))


def test_a_restart_makes_no_second_update_after_one_that_was_rolled_back() -> None:
    hosting = Hosting("old", ["rolled back"])
    run = attempt(hosting)
    asyncio.run(engine.submit(run))
    hosting.looks = 0  # while nobody looked
    hosting._look()
    with pytest.raises(JobFailed, match='serves EndpointConfigName "old"'):
        asyncio.run(engine.run_step(run))
    with pytest.raises(JobFailed, match='serves EndpointConfigName "old"'):
        asyncio.run(engine.run_step(run))  # and after another one, which had not told of the failure
    assert hosting.calls == ["update new"]


def test_a_new_attempt_updates_again() -> None:
    hosting = Hosting("old", ["rolled back", "serves"])
    run = attempt(hosting)
    with pytest.raises(JobFailed):
        asyncio.run(engine.run_step(run))
    second = replace(run, identity=replace(run.identity, try_number=2))
    assert asyncio.run(engine.run_step(second)).properties["EndpointConfigName"] == "new"
    assert hosting.calls == ["update new", "update new"]


def test_an_endpoint_that_somebody_else_created_meanwhile_is_updated_to_what_was_asked_for() -> None:
    hosting = Beaten()
    result = asyncio.run(engine.run_step(attempt(hosting)))
    assert result.properties["EndpointConfigName"] == "new"
    assert hosting.calls == ["create new", "update new"]


@pytest.mark.parametrize(("serves", "call"), [("", "create new"), ("old", "update new")])
def test_a_change_whose_answer_was_lost_is_waited_for_and_not_made_again(serves: str, call: str) -> None:
    hosting = Hosting(serves, lost=1)
    result = asyncio.run(engine.run_step(attempt(hosting)))
    assert result.properties["EndpointConfigName"] == "new"
    assert hosting.calls == [call]


def test_an_update_that_somebody_elses_forestalls_is_made_after_it() -> None:
    hosting = Hosting("old")
    seen = hosting.update_endpoint

    def forestalled(**members: Any) -> dict[str, Any]:
        if not hosting.calls:
            hosting.change("theirs")
        return seen(**members)

    hosting.update_endpoint = forestalled  # type: ignore[method-assign]
    assert asyncio.run(engine.run_step(attempt(hosting))).properties["EndpointConfigName"] == "new"
    assert hosting.calls == ["update new", "update new"]


def test_a_failed_endpoint_is_left_to_be_deleted_as_the_api_asks() -> None:
    hosting = Hosting(serves="yesterday", broken="Failed")
    with pytest.raises(StepFailed, match=r"is Failed .* Delete it and clear the step"):
        asyncio.run(engine.run_step(attempt(hosting)))
    assert hosting.calls == []


def test_a_refused_update_is_made_once() -> None:
    hosting = Hosting("old")
    hosting.update_endpoint = lambda **_: (_ for _ in ()).throw(  # type: ignore[method-assign]
        refused("UpdateEndpoint", "Could not find endpoint configuration")
    )
    with pytest.raises(StepRefused, match="Could not find endpoint configuration"):
        asyncio.run(engine.run_step(attempt(hosting)))


def test_a_describe_that_does_not_know_of_the_update_yet_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "SHOWN_WITHIN_S", 5.0)
    hosting = Hosting("old")
    run = attempt(hosting)
    made = asyncio.run(engine.submit(run))
    seen, hidden = hosting.describe_endpoint, iter([True, True, False])

    def late(EndpointName: str) -> dict[str, Any]:
        shown = {"EndpointStatus": "InService", "EndpointConfigName": "old", "EndpointArn": "arn"}
        return shown if next(hidden, False) else seen(EndpointName)

    hosting.describe_endpoint = late  # type: ignore[method-assign]
    assert asyncio.run(engine.follow(run, made)).properties["EndpointConfigName"] == "new"


class Components(Hosting):
    """An inference component, whose model is what changes."""

    def describe_inference_component(self, InferenceComponentName: str) -> dict[str, Any]:
        shown = self.describe_endpoint(InferenceComponentName)
        members = {"InferenceComponentName": InferenceComponentName, "FailureReason": self.reason}
        specification = {"ModelName": shown["EndpointConfigName"]}
        return {**members, "InferenceComponentStatus": shown["EndpointStatus"], "Specification": specification}

    def create_inference_component(self, **members: Any) -> dict[str, Any]:
        made = self.create_endpoint(members["InferenceComponentName"], members["Specification"]["ModelName"])
        return {"InferenceComponentArn": made["EndpointArn"]}

    def update_inference_component(self, **members: Any) -> dict[str, Any]:
        made = self.update_endpoint(members["InferenceComponentName"], members["Specification"]["ModelName"])
        return {"InferenceComponentArn": made["EndpointArn"]}


COMPONENT = {
    "InferenceComponentName": "prod",
    "EndpointName": "shared",
    "VariantName": "all",
    "Specification": {"ModelName": "new"},
    "RuntimeConfig": {"CopyCount": 1},
}


@pytest.mark.parametrize(("serves", "call"), [("", "create new"), ("old", "update new")])
def test_a_component_is_waited_for_when_the_answer_was_lost(serves: str, call: str) -> None:
    hosting = Components(serves, lost=1)
    result = asyncio.run(engine.run_step(attempt(hosting, "InferenceComponent", **COMPONENT)))
    assert result.properties["Specification"] == {"ModelName": "new"}
    assert hosting.calls == [call]


def test_more_copies_are_asked_for_again_where_another_change_was_under_way() -> None:
    hosting = Components("new")
    seen = hosting.update_inference_component

    def forestalled(**members: Any) -> dict[str, Any]:
        if not hosting.calls:
            hosting.change("new")
        return seen(**members)

    hosting.update_inference_component = forestalled  # type: ignore[method-assign]
    asyncio.run(engine.run_step(attempt(hosting, "InferenceComponent", **COMPONENT)))
    assert hosting.calls == ["update new", "update new"]


def test_a_component_whose_update_is_rolled_back_fails_the_step() -> None:
    hosting = Components("old", ["rolled back"])
    with pytest.raises(JobFailed, match='it serves ModelName "old" instead of "new"'):
        asyncio.run(engine.run_step(attempt(hosting, "InferenceComponent", **COMPONENT)))


class MovedToContainer(Components):
    """A component whose earlier configuration is an image, so that it has no model name."""

    def describe_inference_component(self, InferenceComponentName: str) -> dict[str, Any]:
        shown = super().describe_inference_component(InferenceComponentName)
        if shown["Specification"]["ModelName"] == "old":
            shown["Specification"] = {"Container": {"DeployedImage": {"SpecifiedImage": "image"}}}
        return shown


def test_a_rolled_back_component_is_no_success_where_the_description_lacks_what_was_asked_for() -> None:
    hosting = MovedToContainer("old", ["rolled back"])
    with pytest.raises(JobFailed, match=r'it serves no ModelName instead of "new": the update was rolled back\. What'):
        asyncio.run(engine.run_step(attempt(hosting, "InferenceComponent", **COMPONENT)))


class BySpecifications(Components):
    """A component with a specification for each instance type."""

    def describe_inference_component(self, InferenceComponentName: str) -> dict[str, Any]:
        shown = super().describe_inference_component(InferenceComponentName)
        return {**shown, "Specifications": [{"InstanceType": "ml.g5.xlarge", **shown.pop("Specification")}]}

    def update_inference_component(self, **members: Any) -> dict[str, Any]:
        return super().update_inference_component(**{**members, "Specification": members["Specifications"][0]})


def test_specifications_for_each_instance_type_are_compared_too() -> None:
    given = {key: value for key, value in COMPONENT.items() if key != "Specification"}
    given["Specifications"] = [{"InstanceType": "ml.g5.xlarge", "ModelName": "new"}]
    hosting = BySpecifications("old", ["rolled back", "serves"])
    with pytest.raises(JobFailed, match=r'serves ml\.g5\.xlarge ModelName "old" instead of "new"'):
        asyncio.run(engine.run_step(attempt(hosting, "InferenceComponent", **given)))
    asyncio.run(engine.run_step(attempt(hosting, "InferenceComponent", **given)))
    assert hosting.serves == "new"


def test_a_killed_attempt_is_no_reason_to_believe_that_the_update_was_made() -> None:
    hosting = Hosting("old")
    run = attempt(hosting)
    killed = replace(run, journal=MemoryJournal(Entry("prod", 0, 1, "", JobState.SUBMITTING)))
    assert asyncio.run(engine.run_step(killed)).properties["EndpointConfigName"] == "new"


GUARDED = {
    "EndpointName": "prod",
    "EndpointConfigName": "new",
    "RetainDeploymentConfig": True,
    "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "latency"}]}},
}


def test_an_update_takes_what_only_an_update_has() -> None:
    hosting = Hosting("old")
    asyncio.run(engine.run_step(attempt(hosting, **GUARDED)))
    assert hosting.told == {"DeploymentConfig": GUARDED["DeploymentConfig"], "RetainDeploymentConfig": True}
    assert hosting.calls == ["update new"]


def test_a_creation_does_without_it() -> None:
    hosting = Hosting()
    assert asyncio.run(engine.run_step(attempt(hosting, **GUARDED))).properties["EndpointConfigName"] == "new"


def test_a_rollback_names_the_alarm_also_where_aws_gives_no_reason() -> None:
    hosting = Hosting("old", ["rolled back"], alarms={"errors": "OK", "latency": "ALARM"})
    hosting.silent = True
    with pytest.raises(JobFailed) as caught:
        asyncio.run(engine.run_step(attempt(hosting, **GUARDED)))
    assert caught.value.reason == (
        'it serves EndpointConfigName "old" instead of "new": the update was rolled back because of the alarm '
        '"latency". "old" stays in service.'
    )


@pytest.mark.parametrize(
    ("history", "named"),
    [
        ({"errors": [("OK", "ALARM"), ("ALARM", "OK")], "latency": [("INSUFFICIENT_DATA", "OK")]}, '"errors"'),
        ({"errors": [], "latency": [("ALARM", "OK")]}, '"latency"'),
        ({"errors": [("INSUFFICIENT_DATA", "OK")], "latency": []}, ""),
        ({}, ""),  # the history may not be read
    ],
)
def test_an_alarm_that_has_ended_is_named_only_if_it_was_in_alarm_during_the_update(history: Any, named: str) -> None:
    hosting = Hosting("old", ["rolled back"], alarms={"errors": "OK", "latency": "OK"}, history=history)
    with pytest.raises(JobFailed) as caught:
        asyncio.run(engine.run_step(attempt(hosting, **GUARDED)))
    because = f" because of the alarm {named}" if named else ""
    assert f"the update was rolled back{because}. " in caught.value.reason
    assert caught.value.reason.endswith(ROLLED_BACK)


def test_an_update_that_could_not_be_rolled_back_says_that_too() -> None:
    hosting = Hosting("old", alarms={"errors": "ALARM", "latency": "OK"})
    run = attempt(hosting, **GUARDED)
    made = asyncio.run(engine.submit(run))
    hosting.broken = "UpdateRollbackFailed"
    with pytest.raises(JobFailed, match=r'because of the alarm "errors"\. The rollback failed, too'):
        asyncio.run(engine.follow(run, made))


def test_another_configuration_is_not_taken_for_a_rollback() -> None:
    hosting = Hosting("old")
    run = attempt(hosting)
    made = asyncio.run(engine.submit(run))
    hosting.serves, hosting.coming = "theirs", ""
    with pytest.raises(JobFailed, match='"theirs" instead of "new": somebody else has updated it since'):
        asyncio.run(engine.follow(run, made))


@pytest.mark.parametrize("end", ["serves", "rolled back"])
@pytest.mark.parametrize("try_number", [1, 2], ids=["goes on elsewhere", "is retried"])
@pytest.mark.parametrize("killed_at", range(6))
def test_endpoint_and_result_agree_wherever_the_process_was_killed(killed_at: int, try_number: int, end: str) -> None:
    hosting = Hosting("old", [end] * 5, steps_until_kill=killed_at)
    run = replace(attempt(hosting), journal=KillableJournal(hosting))
    with suppress(Killed, JobFailed):
        asyncio.run(engine.run_step(run))
    hosting.steps_until_kill = -1
    again = replace(run, identity=replace(run.identity, try_number=try_number))
    if end == "serves":
        assert asyncio.run(engine.run_step(again)).properties["EndpointConfigName"] == hosting.serves == "new"
        return
    with pytest.raises(JobFailed) as caught:
        asyncio.run(engine.run_step(again))
    assert caught.value.result["Properties"]["EndpointConfigName"] == hosting.serves == "old"
