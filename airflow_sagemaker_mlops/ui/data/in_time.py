"""Runs calls that may hang (S3, STS) in separate threads, so that an API request ends in time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from typing import TypeVar

SECONDS = 5.0
THREADS = 6
MAX_WAITING = 12
Result = TypeVar("Result")
_THREADS = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="records for pages")
_PLACES = threading.BoundedSemaphore(THREADS + MAX_WAITING)


class NoAnswer(Exception):
    """S3 did not answer in time; the text is for the reader of the page."""


def in_time(call: Callable[[], Result], seconds: float = SECONDS) -> Result:
    """The result of ``call``.  Raises :class:`NoAnswer`; the call then continues in its thread, unused."""
    if not _PLACES.acquire(blocking=False):
        raise NoAnswer(
            "The record store does not answer, and other requests are already waiting for it. Try again in a minute."
        )
    future = _THREADS.submit(call)
    future.add_done_callback(lambda _done: _PLACES.release())
    try:
        return future.result(timeout=seconds)
    except TooSlow:
        future.cancel()
        raise NoAnswer(f"The record store did not answer within {seconds:.0f} seconds.") from None
