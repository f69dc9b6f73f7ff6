"""The triggerer's supervisor is woken only once its runner has forgotten an ended task."""

from __future__ import annotations

import asyncio

import pytest

from airflow_sagemaker_mlops.triggers import wake_supervisor


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    words: list[str] = []

    async def word(secret: str) -> None:
        words.append(secret)

    monkeypatch.setattr("airflow.sdk.log.amask_secret", word)
    monkeypatch.setattr(wake_supervisor, "AFTER_S", 0.01)
    return words


def test_nothing_is_said_before_the_runner_has_reported_the_end(said: list[str]) -> None:
    async def ended() -> None:
        wake_supervisor.wake_when_reported()

    async def runner() -> None:
        task = asyncio.create_task(ended())
        await task
        await asyncio.sleep(0.05)
        assert said == []
        del task  # what the runner does on reporting it
        await asyncio.sleep(0.05)

    asyncio.run(runner())
    assert said == [""]


def test_one_word_is_said_for_many_steps_that_ended_together(said: list[str]) -> None:
    async def ended() -> None:
        wake_supervisor.wake_when_reported()

    async def runner() -> None:
        await asyncio.gather(*(ended() for _ in range(20)))
        await asyncio.sleep(0.05)

    asyncio.run(runner())
    assert 1 <= len(said) < 20
