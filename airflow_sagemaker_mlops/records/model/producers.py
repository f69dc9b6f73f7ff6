"""Which inputs of a step are outputs of earlier steps of its run: :class:`Producers`; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from .step_record import StepRecord
from .timestamps import parse_time

Place = tuple[int, int]


class Producers:
    """The outputs of a run's ``steps``, in the record's order: a step never precedes one that it waits for.

    A run may read what it writes at its end: the state of the previous run.  So an input counts as the run's own only
    if the step that produced it is earlier in the record and, if times are known, had ended.
    """

    def __init__(self, steps: Iterable[StepRecord]) -> None:
        listed = list(steps)
        numbers = {step.step: number for number, step in enumerate(listed)}
        # Children of a loop are at the end of the record; they ran at the position of their loop.
        self._places: dict[str, Place] = {
            step.step: (numbers.get(step.loop, number), number) for number, step in enumerate(listed)
        }
        self._makers: dict[str, list[tuple[Place, datetime | None]]] = {}
        for step in listed:
            ended = parse_time(step.ended)
            for uri in {output.uri.rstrip("/") for output in step.outputs}:
                self._makers.setdefault(uri, []).append((self._places[step.step], ended))

    def made_before(self, step: StepRecord, uri: str) -> bool:
        """Whether an earlier step had produced the input of ``step`` at ``uri``, or a folder that contains it."""
        place, began = self._places[step.step], parse_time(step.started)
        return any(
            maker < place and not (ended and began and ended > began)
            for above in _above(uri)
            for maker, ended in self._makers.get(above, ())
        )


def _above(uri: str) -> Iterator[str]:
    """``uri`` and the folders that contain it."""
    yield uri
    end = uri.rfind("/")
    while end > 0:
        yield uri[:end]
        end = uri.rfind("/", 0, end)
