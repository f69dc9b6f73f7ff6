"""Threads for blocking calls to AWS.

A triggerer runs all its triggers in one event loop, whose default threads Airflow itself needs.  So each set of clients
has threads of its own, and others for what stops jobs: an account that does not answer keeps nobody else waiting.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

MOST_THREADS = 16
MOST_POOLS = 64  # a changed connection has other clients, and so another pool
Answer = TypeVar("Answer")
_POOLS: dict[tuple[str, bool], ThreadPoolExecutor] = {}
os.register_at_fork(after_in_child=_POOLS.clear)  # its threads stay in the parent


async def in_thread(key: str, work: Callable[..., Answer], *args: Any, urgent: bool = False) -> Answer:
    """``work(*args)`` in a thread of the clients called ``key``; ``urgent`` work does not queue behind the other."""
    context = contextvars.copy_context()
    call = functools.partial(context.run, work, *args)
    return await asyncio.get_running_loop().run_in_executor(_pool(key, urgent), call)


def _pool(key: str, urgent: bool) -> ThreadPoolExecutor:
    pool = _POOLS.pop((key, urgent), None)
    if pool is None:
        pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="sagemaker-aws")
        while len(_POOLS) >= MOST_POOLS:
            _POOLS.pop(next(iter(_POOLS))).shutdown(wait=False)  # what it has begun goes on
    _POOLS[key, urgent] = pool
    return pool
