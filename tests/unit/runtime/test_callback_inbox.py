"""Answers to a Callback step that started in a worker, over several attempts."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sagemaker_mlops.runtime.task_store.callback_inbox import TaskCallbackInbox
from airflow_sagemaker_mlops.runtime.task_store.worker import WorkerTaskStore
from airflow_sagemaker_mlops.xcom_keys import CALLBACK_PREFIX

TOKEN = "AbCdEfGhIj"
ANSWER = '{"Status": "Succeeded", "OutputParameters": []}'


class Attempt:
    """A task instance as far as its XComs go; a new attempt begins without any."""

    task_id = "Ask"
    map_index = -1

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get(key)

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.xcoms[key] = value


def inbox(attempt: Attempt, store: dict[str, Any] | None) -> TaskCallbackInbox:
    context: Any = {
        "ti": attempt,
        **({"task_state_store": SimpleNamespace(get=store.get)} if store is not None else {}),
    }
    return TaskCallbackInbox(WorkerTaskStore(context))


def test_an_answer_to_an_earlier_attempt_is_brought_back_for_the_trigger_of_the_next_one() -> None:
    again = Attempt()
    box = inbox(again, {CALLBACK_PREFIX + TOKEN: ANSWER})
    assert asyncio.run(box.is_open(TOKEN))  # so the message is not sent a second time
    assert again.xcoms == {CALLBACK_PREFIX + TOKEN: ANSWER}
    assert asyncio.run(box.answer(TOKEN)) == {"Status": "Succeeded", "OutputParameters": []}


@pytest.mark.parametrize("store", [None, {}])
def test_a_question_without_an_answer_is_asked_again_with_its_token(store: dict[str, Any] | None) -> None:
    box = inbox(Attempt(), store)
    assert not asyncio.run(box.is_open(TOKEN))
    asyncio.run(box.open(TOKEN))
    assert asyncio.run(box.is_open(TOKEN))
    assert asyncio.run(box.answer(TOKEN)) is None


def test_a_closed_token_takes_no_kept_answer() -> None:
    box = inbox(Attempt(), {CALLBACK_PREFIX + TOKEN: ANSWER})
    asyncio.run(box.close(TOKEN))
    assert not asyncio.run(box.is_open(TOKEN))
    assert asyncio.run(box.answer(TOKEN)) is None
