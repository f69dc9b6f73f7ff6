"""Wakes the triggerer's supervisor when a step has ended here and the next step's trigger is about to arrive.

The supervisor looks for new triggers whenever its runner sends a message, otherwise once a second, and the runner asks
for them once a second: a chain of steps in the triggerer waits up to two seconds between steps (Airflow 3.3.2).
The runner reports an ended trigger when it forgets the trigger's task; the scheduler has started the next step some
hundred milliseconds later.  A message to the supervisor at that time has the new step ready when the runner asks next.
If anything fails here, the supervisor still polls.
"""

from __future__ import annotations

import asyncio
import weakref

AFTER_S = 0.8  # within the runner's second, after one scheduler loop
_words: set[asyncio.Task[None]] = set()


def wake_when_reported() -> None:
    """Call at the end of a trigger that ends its task: sends a message once the runner has reported it."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        weakref.finalize(task, _soon, loop).atexit = False


def _soon(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.call_later, AFTER_S, _say_something)


def _say_something() -> None:
    if not _words:  # one message is enough for all steps that ended
        word = asyncio.get_running_loop().create_task(_word())
        _words.add(word)
        word.add_done_callback(_words.discard)


async def _word() -> None:
    """Send the cheapest message: masking an empty secret has no effect."""
    from airflow.sdk.log import amask_secret

    await amask_secret("")
