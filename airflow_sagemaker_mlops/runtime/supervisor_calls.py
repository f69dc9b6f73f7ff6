"""Calls Airflow from a trigger (XComs, connections, states), over the channel to the triggerer's supervisor."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from ..execution.backoff import Backoff
from .infrastructure_retries import OUTAGE_S
from .retry_budget import is_outage

log = logging.getLogger(__name__)
Words = ParamSpec("Words")
Answer = TypeVar("Answer")
_ASKED: set[asyncio.Future[Any]] = set()  # an event loop keeps only weak references to its tasks


FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


async def ask(question: Callable[Words, Answer], *args: Words.args, **kwargs: Words.kwargs) -> Answer:
    """The result of the blocking call ``question``, repeated for ``OUTAGE_S`` seconds while Airflow does not respond.

    Waiting here is cheaper than another attempt of the task.
    """
    deadline = time.monotonic() + OUTAGE_S
    for pause in Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, 2.0):
        try:
            return await _ask_once(question, *args, **kwargs)
        except Exception as error:
            if not is_outage(error) or time.monotonic() > deadline:
                raise
            log.warning("Airflow could not be reached; the next try is in %.0f s: %s", pause, error)
        await asyncio.sleep(pause)
    raise AssertionError("pauses have no end")


async def _ask_once(question: Callable[Words, Answer], *args: Words.args, **kwargs: Words.kwargs) -> Answer:
    """The result of ``question``, called once.

    The call is completed even if the trigger is cancelled meanwhile: in Airflow 3.0 and 3.1, if a request is abandoned
    before its response, the next caller gets that response, which ends the triggerer.
    """
    asked: asyncio.Future[Answer] = asyncio.ensure_future(sync_to_async(question)(*args, **kwargs))
    _ASKED.add(asked)
    asked.add_done_callback(_heard)
    return await asyncio.shield(asked)


def _heard(asked: asyncio.Future[Any]) -> None:
    _ASKED.discard(asked)
    if not asked.cancelled():
        asked.exception()  # the caller has it, if it is still waiting
