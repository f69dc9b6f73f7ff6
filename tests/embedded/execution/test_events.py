"""Job events through EventBridge and SQS: they end a wait that polling would only end much later."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sleeping_job import sleeping_job

from airflow_sagemaker_mlops.execution.watch import eventbridge
from airflow_sagemaker_mlops.execution.watch.poller import JobPoller
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.runs.clients import local_aws_clients
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

pytestmark = pytest.mark.e2e


@pytest.fixture
def queue(aws: LocalAws) -> Iterator[str]:
    """A queue that a rule sends every job event to, as the documentation page sets it up."""
    name = f"events-{uuid.uuid4().hex[:8]}"
    sqs, bridge = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bridge.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    bridge.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    bridge.remove_targets(Rule=name, Ids=["queue"])
    bridge.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def started(aws: LocalAws, seconds: float) -> str:
    return sleeping_job(aws, f"told-{uuid.uuid4().hex[:8]}", seconds)


def test_an_event_ends_the_wait_long_before_the_next_poll(
    aws: LocalAws, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobPoller, "_pause", lambda _self: 120.0)
    clients = local_aws_clients(aws)
    clients.events_queue_url = queue

    name = started(aws, 3)

    async def wait() -> dict[str, Any]:
        poller = JobPoller(clients, STEP_TYPES["Processing"], 30.0, events=eventbridge.events_for(clients))
        return await poller.wait(name, {"ProcessingJobName": name}, lambda _status: None)

    begun = time.monotonic()
    assert asyncio.run(wait())["ProcessingJobStatus"] == "Completed"
    assert time.monotonic() - begun < 60
    time.sleep(eventbridge.SHOWN_AGAIN_S + 1)
    left = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages") or []
    assert not [message for message in left if name in message["Body"]]  # other tests' jobs send theirs as well


def test_a_message_about_somebody_elses_job_is_left_to_the_others_until_it_is_old() -> None:
    deleted: list[str] = []

    class Queue:
        def client(self, _service: str) -> Queue:
            return self

        def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:
            deleted.append(ReceiptHandle)

    def message(name: str, age: float) -> dict[str, str]:
        sent = (datetime.now(UTC) - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
        detail = {"TrainingJobName": name, "TrainingJobStatus": "Completed"}
        body = {"source": "aws.sagemaker", "detail-type": "SageMaker Training Job State Change", "time": sent}
        return {"Body": json.dumps({**body, "detail": detail}), "ReceiptHandle": f"{name}-{age:g}"}

    woken: list[str] = []

    async def take() -> None:
        heard = eventbridge.JobEvents(cast(Any, Queue()), "url", asyncio.get_running_loop())
        heard.wakers["mine"] = (lambda: woken.append("mine"),)
        for given in (
            message("mine", 0),
            message("other", 0),
            message("other", 300),
            {"Body": "?", "ReceiptHandle": "x"},
        ):
            heard._take(given)
        await asyncio.sleep(0)

    asyncio.run(take())
    assert woken == ["mine"]
    assert deleted == ["mine-0", "other-300", "x"]


def test_of_two_who_wait_for_one_name_the_other_is_woken_when_the_first_has_gone() -> None:
    woken: list[str] = []

    def first() -> None:
        woken.append("first")

    def second() -> None:
        woken.append("second")

    async def take() -> None:
        heard = eventbridge.JobEvents(cast(Any, None), "url", asyncio.get_running_loop(), _receiving=True)
        heard.wake_on("prod", first)
        heard.wake_on("prod", second)
        for waker in heard.wakers["prod"]:
            waker()
        heard.forget("prod", second)
        for waker in heard.wakers["prod"]:
            waker()
        heard.forget("prod", first)
        assert not heard.wakers  # the thread that listens ends by that

    asyncio.run(take())
    assert woken == ["first", "second", "first"]


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs", "cn-north-1"),
        ("https://eu-west-1.queue.amazonaws.com/123456789012/jobs", "eu-west-1"),
        ("http://127.0.0.1:4566/123456789012/jobs", ""),
    ],
)
def test_the_region_of_a_queue_is_read_off_its_url(url: str, region: str) -> None:
    assert eventbridge.region_of(url) == region


def test_only_a_kind_of_job_that_sends_events_is_left_to_them_and_only_while_they_can_be_read(
    aws: LocalAws,
) -> None:
    async def pauses() -> list[float]:
        heard = eventbridge.JobEvents(cast(Any, None), "url", asyncio.get_running_loop())
        poller = JobPoller(local_aws_clients(aws), STEP_TYPES["AutoML"], 30.0, events=heard)
        found = [poller._pause()]
        poller._ring("job")
        found.append(poller._pause())
        heard.readable = False
        return [*found, poller._pause()]

    assert asyncio.run(pauses()) == [30.0, 300.0, 30.0]
