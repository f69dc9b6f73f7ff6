"""Threads for blocking calls to AWS.

A triggerer runs all its triggers in one event loop, whose default threads Airflow itself needs.  So each set of clients
has its own threads, plus others for stopping jobs: an unresponsive account delays nobody else.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MAX_THREADS = 16
MAX_POOLS = 64  # a changed connection gets new clients, and so a new pool
Answer = TypeVar("Answer")
_POOLS: dict[tuple[str, bool], ThreadPoolExecutor] = {}
os.register_at_fork(after_in_child=_POOLS.clear)  # threads do not survive a fork


async def in_thread(key: str, work: Callable[..., Answer], *args: object, urgent: bool = False) -> Answer:
    """Run ``work(*args)`` in a thread of the clients ``key``; ``urgent`` work does not queue behind other work."""
    context = contextvars.copy_context()
    call = functools.partial(context.run, work, *args)
    return await asyncio.get_running_loop().run_in_executor(_pool(key, urgent), call)


def _pool(key: str, urgent: bool) -> ThreadPoolExecutor:
    pool = _POOLS.pop((key, urgent), None)
    if pool is None:
        pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="sagemaker-aws")
        while len(_POOLS) >= MAX_POOLS:
            _POOLS.pop(next(iter(_POOLS))).shutdown(wait=False)  # running work continues
    _POOLS[key, urgent] = pool
    return pool
