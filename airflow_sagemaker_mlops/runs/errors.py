"""Errors of a run's arguments, in the terms of the caller: Python arguments or command-line options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the Python API in a message, with ``value`` if the message says what to pass.

    ``python`` replaces its spelling in Python if a plain name is not enough.
    """

    name: str
    value: Any = None
    python: str = ""

    def __str__(self) -> str:
        if self.python or self.value is None:
            return self.python or self.name
        return f'{self.name}="{self.value}"'


class RunError(ValueError):
    """The arguments of a run are unusable; nothing was started.

    ``str()`` names the arguments as Python does.  A command names its options: see :meth:`worded`.

    :param sentence: for ``str.format``, with a field for each of ``values``
    """

    def __init__(self, sentence: str, **values: Any) -> None:
        self.sentence, self.values = sentence, values
        super().__init__(self.worded(str))

    def worded(self, spell: Callable[[Argument], str]) -> str:
        """The sentence with every :class:`Argument` as ``spell`` writes it."""
        words = {name: spell(value) if isinstance(value, Argument) else value for name, value in self.values.items()}
        return self.sentence.format(**words)


class NoAws(RunError):
    """The arguments do not lead to a usable AWS."""


class RunFailed(RuntimeError):
    """A run did not succeed; raised only by ``RunResult.raise_for_status``."""
