"""Wakes the triggerer's supervisor while the step after one that has ended here is on its way to it.

The supervisor looks for new triggers whenever its runner says something, else once a second, and the runner asks for
them once a second: a chain of steps that run in the triggerer waits up to two seconds at every link (Airflow 3.3.2).
The runner reports an ended trigger at the moment it forgets the trigger's task; the scheduler has started the next
step by then plus some hundred milliseconds.  A word to the supervisor at that time, and the new step is ready when the
runner asks the next time.  Whatever goes wrong here, the supervisor looks by itself.
"""

from __future__ import annotations

import asyncio
import weakref

AFTER_S = 0.8  # within the runner's second, after a scheduler's loop has gone round
_words: set[asyncio.Task[None]] = set()


def wake_when_reported() -> None:
    """Call at the end of a trigger that ends its task: speaks up once the runner has reported it."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        weakref.finalize(task, _soon, loop).atexit = False


def _soon(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.call_later, AFTER_S, _say_something)


def _say_something() -> None:
    if not _words:  # one word wakes it for all steps that ended
        word = asyncio.get_running_loop().create_task(_word())
        _words.add(word)
        word.add_done_callback(_words.discard)


async def _word() -> None:
    """The cheapest thing that can be said: an empty secret is one there is nothing to mask of."""
    from airflow.sdk.log import amask_secret

    await amask_secret("")
