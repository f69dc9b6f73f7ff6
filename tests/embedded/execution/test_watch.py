"""Polling together: how waits for one kind of job affect each other."""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sleeping_job import sleeping_job
from waiting import PATIENCE_S

from airflow_sagemaker_mlops.execution.watch.poller import FASTEST_S, JobPoller
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.runs.clients import local_aws_clients
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

pytestmark = pytest.mark.e2e
PROCESSING = STEP_TYPES["Processing"]


def started(aws: LocalAws, seconds: float) -> str:
    return sleeping_job(aws, f"watched-{uuid.uuid4().hex[:8]}", seconds)


async def wait(poller: JobPoller, name: str) -> Any:
    return await poller.wait(name, {"ProcessingJobName": name}, lambda _status: None)


def test_two_who_wait_for_one_name_are_both_told(aws: LocalAws) -> None:
    name = started(aws, 1)

    async def both() -> list[Any]:
        poller = JobPoller(local_aws_clients(aws), PROCESSING, 0.2)
        return list(await asyncio.wait_for(asyncio.gather(wait(poller, name), wait(poller, name)), PATIENCE_S))

    assert [answer["ProcessingJobStatus"] for answer in asyncio.run(both())] == ["Completed", "Completed"]


def test_who_gives_up_a_name_leaves_the_other_waiting_for_it(aws: LocalAws) -> None:
    name = started(aws, 2)

    async def one_of_two() -> Any:
        poller = JobPoller(local_aws_clients(aws), PROCESSING, 0.2)
        stays, goes = asyncio.ensure_future(wait(poller, name)), asyncio.ensure_future(wait(poller, name))
        await asyncio.sleep(0.5)
        goes.cancel()
        return await asyncio.wait_for(stays, PATIENCE_S)

    assert asyncio.run(one_of_two())["ProcessingJobStatus"] == "Completed"


def test_what_nobody_foresaw_ends_the_wait_and_is_no_endless_one(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = started(aws, 1)

    def broken(*_: Any) -> None:
        raise KeyError("SecondaryStatus")

    monkeypatch.setattr(JobPoller, "_note", broken)
    with pytest.raises(KeyError, match="SecondaryStatus"):
        asyncio.run(asyncio.wait_for(wait(JobPoller(local_aws_clients(aws), PROCESSING, 0.2), name), PATIENCE_S))


class Looks(JobPoller):
    """A poller that counts its looks and calls nobody."""

    def __init__(self, aws: Any = None, poll_interval_s: float = 30.0, errors: Sequence[Exception] = ()) -> None:
        super().__init__(aws, PROCESSING, poll_interval_s)
        self.looks: list[str] = []
        self.errors = list(errors)

    async def _look_at_all(self) -> None:
        self.looks.append("closer" if self.newcomers else "all")
        self.newcomers = False
        if self.errors:
            raise self.errors.pop(0)

    async def _look_at_changed(self) -> None:
        self.looks.append("changed")
        self.changed.clear()


async def aged(poller: JobPoller, name: str) -> asyncio.Future[Any]:
    """Somebody who waits for a job that began long ago, so that the poller rests for its whole interval."""
    waiting = asyncio.ensure_future(wait(poller, name))
    await asyncio.sleep(0)
    poller.waiting[-1].since -= 1000
    await asyncio.sleep(0.1)
    return waiting


def test_events_for_some_do_not_put_off_the_look_at_all() -> None:
    async def rung() -> list[str]:
        poller = Looks(poll_interval_s=0.3)
        waiting = await aged(poller, "quiet")
        for _ in range(30):
            poller._ring("loud")
            await asyncio.sleep(0.05)
        waiting.cancel()
        return poller.looks

    looks = asyncio.run(rung())
    assert looks.count("changed") >= 10
    assert looks.count("all") >= 3


def test_who_joins_a_poller_that_rests_is_looked_at_soon_and_closely() -> None:
    """What an earlier process made may have ended so long ago that no list of changes tells."""

    async def joined() -> tuple[int, list[str]]:
        poller = Looks()
        first = await aged(poller, "old")
        rested = len(poller.looks)
        second = await aged(poller, "adopted")
        await asyncio.sleep(1.2)
        first.cancel()
        second.cancel()
        return rested, poller.looks

    rested, looks = asyncio.run(joined())
    assert rested <= 2
    assert looks[rested:].count("closer") == 1


def test_lines_go_to_the_log_of_the_step_that_waits() -> None:
    """Airflow finds a task's log by the context; the one loop runs in that of the first who waited."""
    whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose")
    told: list[tuple[str, str]] = []

    async def step(poller: JobPoller, name: str) -> None:
        whose.set(name)
        await poller.wait(name, {}, lambda words: told.append((whose.get(), words)))

    async def both() -> None:
        poller = Looks()
        steps = [asyncio.ensure_future(step(poller, name)) for name in ("first", "second")]
        await asyncio.sleep(0.1)
        for job in poller.waiting:
            poller._note(job, "Stopping")
        for one in steps:
            one.cancel()

    asyncio.run(both())
    assert told == [("first", "Stopping"), ("second", "Stopping")]


def test_credentials_that_are_no_longer_taken_are_read_again() -> None:
    class Renewing:
        def __init__(self) -> None:
            self.renewed = 0

        async def renew(self) -> None:
            self.renewed += 1

    async def expired() -> tuple[int, list[str]]:
        aws = Renewing()
        refused = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "late"}}, "ListProcessingJobs")
        poller = Looks(aws, errors=[refused])
        waiting = await aged(poller, "job")
        await asyncio.sleep(1.8)
        waiting.cancel()
        return aws.renewed, poller.looks

    renewed, looks = asyncio.run(expired())
    assert renewed == 1
    assert len(looks) >= 2


def test_an_interval_of_nothing_is_no_endless_loop() -> None:
    assert Looks(poll_interval_s=0.0)._pause() == FASTEST_S
