"""Waiting together: what the waits for one kind of job have to do with each other."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from sleeping_job import sleeping_job

from airflow_sagemaker_mlops import local
from airflow_sagemaker_mlops.cli.aws import embedded
from airflow_sagemaker_mlops.execution.watch import Sweep
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

pytestmark = pytest.mark.e2e
PROCESSING = STEP_TYPES["Processing"]


def started(aws: local.LocalAws, seconds: float) -> str:
    return sleeping_job(aws, f"watched-{uuid.uuid4().hex[:8]}", seconds)


async def wait(sweep: Sweep, name: str) -> Any:
    return await sweep.wait(name, {"ProcessingJobName": name}, lambda _status: None)


def test_two_who_wait_for_one_name_are_both_told(aws: local.LocalAws) -> None:
    name = started(aws, 1)

    async def both() -> list[Any]:
        sweep = Sweep(embedded(aws), PROCESSING, 0.2)
        return list(await asyncio.wait_for(asyncio.gather(wait(sweep, name), wait(sweep, name)), 30))

    assert [answer["ProcessingJobStatus"] for answer in asyncio.run(both())] == ["Completed", "Completed"]


def test_who_gives_up_a_name_leaves_the_other_waiting_for_it(aws: local.LocalAws) -> None:
    name = started(aws, 2)

    async def one_of_two() -> Any:
        sweep = Sweep(embedded(aws), PROCESSING, 0.2)
        stays, goes = asyncio.ensure_future(wait(sweep, name)), asyncio.ensure_future(wait(sweep, name))
        await asyncio.sleep(0.5)
        goes.cancel()
        return await asyncio.wait_for(stays, 30)

    assert asyncio.run(one_of_two())["ProcessingJobStatus"] == "Completed"


def test_what_nobody_foresaw_ends_the_wait_and_is_no_endless_one(
    aws: local.LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = started(aws, 1)

    def broken(*_: Any) -> None:
        raise KeyError("SecondaryStatus")

    monkeypatch.setattr(Sweep, "_note", broken)
    with pytest.raises(KeyError, match="SecondaryStatus"):
        asyncio.run(asyncio.wait_for(wait(Sweep(embedded(aws), PROCESSING, 0.2), name), 30))
