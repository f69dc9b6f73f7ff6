"""Pauses between tries, and loops that end with an answer or after a time."""

from __future__ import annotations

import asyncio
from itertools import islice
from math import inf

import pytest

from airflow_sagemaker_mlops.execution.backoff import Backoff, poll_until


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [
        (Backoff(1.0, 30.0, 2.0), [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]),
        (Backoff(0.5, 2.0), [0.5, 0.75, 1.125, 1.6875, 2.0, 2.0]),
        (Backoff(2.0, 2.0), [2.0, 2.0, 2.0]),
        (Backoff(8.0, factor=0.5), [8.0, 4.0, 2.0]),
        (Backoff(8.0, factor=0.0), [8.0, 0.0, 0.0, 0.0]),
        (Backoff(0.5, 0.0), [0.0, 0.0, 0.0]),
    ],
)
def test_each_pause_is_a_multiple_of_the_one_before_up_to_the_longest(backoff: Backoff, pauses: list[float]) -> None:
    assert list(islice(backoff, len(pauses))) == pauses
    assert [backoff.nth(number) for number in range(len(pauses))] == pauses


def test_pauses_without_a_limit_grow_beyond_all_numbers_and_never_fail() -> None:
    assert Backoff(1.0, factor=1e300).nth(5) == inf


def test_a_pause_can_be_continued_under_another_limit() -> None:
    assert Backoff(1.0, 5.0, 2.0).after(0.0) == 1.0
    assert Backoff(1.0, 5.0, 2.0).after(64.0) == 5.0
    assert Backoff(1.0, 120.0, 2.0).after(5.0) == 10.0


class Clock:
    """Sleeps at once, and keeps what would have been slept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_polling_returns_the_first_answer_that_is_accepted(clock: Clock) -> None:
    answers = iter(["Pending", "Pending", "Done", "never asked for"])

    async def look() -> str:
        return next(answers)

    found = asyncio.run(poll_until(look, lambda answer: answer == "Done", Backoff(1.0, 30.0, 2.0)))

    assert found == "Done"
    assert clock.slept == [1.0, 2.0]


def test_polling_asks_once_more_and_returns_the_last_answer_when_time_is_up(clock: Clock) -> None:
    asked: list[str] = []

    async def look() -> str:
        asked.append("Pending")
        return asked[-1]

    found = asyncio.run(poll_until(look, lambda answer: answer == "Done", Backoff(1.0), within_s=-1.0))

    assert (found, len(asked), clock.slept) == ("Pending", 1, [])
