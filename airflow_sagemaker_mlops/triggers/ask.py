"""Asking Airflow out of a trigger: XComs, connections, states, over the channel to the triggerer's supervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

Words = ParamSpec("Words")
Answer = TypeVar("Answer")
_ASKED: set[asyncio.Future[Any]] = set()  # an event loop keeps no hold of its tasks


async def ask(question: Callable[Words, Answer], *args: Words.args, **kwargs: Words.kwargs) -> Answer:
    """What the blocking call ``question`` answers.

    It is heard out though the trigger is cancelled meanwhile: in Airflow 3.0 and 3.1 a request that is given up between
    its words and the answer leaves the answer to the next who asks, which ends the triggerer.
    """
    asked: asyncio.Future[Answer] = asyncio.ensure_future(sync_to_async(question)(*args, **kwargs))
    _ASKED.add(asked)
    asked.add_done_callback(_heard)
    return await asyncio.shield(asked)


def _heard(asked: asyncio.Future[Any]) -> None:
    _ASKED.discard(asked)
    if not asked.cancelled():
        asked.exception()  # who asked has it, if anybody waits for it
