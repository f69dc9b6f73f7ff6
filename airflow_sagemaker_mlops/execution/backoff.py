"""Growing pauses between tries, the same for every loop that asks again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses in seconds: ``first``, then each ``factor`` times the one before, at most ``longest``."""

    first: float
    longest: float = inf
    factor: float = 1.5

    def __iter__(self) -> Iterator[float]:
        """All pauses, without end."""
        return map(self.nth, count())

    def after(self, pause: float) -> float:
        """The pause that follows ``pause``; the first one after 0."""
        return min(pause * self.factor if pause else self.first, self.longest)

    def nth(self, number: int) -> float:
        """The pause after ``number`` others; of a factor of 0, all but the first are 0."""
        try:
            return min(self.first * self.factor**number, self.longest)
        except OverflowError:
            return self.longest


async def poll_until(
    inspect: Callable[[], Awaitable[Answer]], is_last: Callable[[Answer], bool], backoff: Backoff, within_s: float = inf
) -> Answer:
    """The first answer of ``inspect`` that ``is_last`` accepts, or its answer after ``within_s`` seconds."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + within_s
    for pause in backoff:
        found = await inspect()
        if is_last(found) or clock() > deadline:
            return found
        await asyncio.sleep(pause)
    raise AssertionError("pauses have no end")
