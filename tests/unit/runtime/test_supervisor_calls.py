"""A call to the supervisor is completed even if its caller gives up."""

from __future__ import annotations

import asyncio
import threading

import pytest
from waiting import PATIENCE_S

from airflow_sagemaker_mlops.runtime.supervisor_calls import ask


def test_a_question_continues_when_its_trigger_is_cancelled() -> None:
    begun, go_on, heard = threading.Event(), threading.Event(), []

    def question(word: str) -> None:
        begun.set()
        go_on.wait(PATIENCE_S)
        heard.append(word)

    async def trigger() -> None:
        asking = asyncio.create_task(ask(question, "answer"))
        while not begun.is_set():
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert heard == []
        go_on.set()
        while not heard:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(trigger(), PATIENCE_S))
    assert heard == ["answer"]


def test_the_error_of_a_question_is_raised_where_it_was_asked() -> None:
    def question() -> None:
        raise LookupError("no such connection")

    with pytest.raises(LookupError, match="no such connection"):
        asyncio.run(ask(question))
