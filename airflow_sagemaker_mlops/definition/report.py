"""The interface through which readers of parts of a document report problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .expressions import Reader
from .model import Get, JsonGet, Nest, Step
from .problems import Place


class Reporter(Protocol):
    """Keeps problems; ``reader`` has them."""

    reader: Reader

    def report(self, code: str, place: Place, what: str, fix: str = "", *, warn: bool = False) -> None:
        """Add a problem."""

    def unknown_keys(
        self, value: Mapping[str, object], known: frozenset[str], place: Place, owner: str, *, ours: bool = False
    ) -> None:
        """Report keys that are not ``known``, as warnings unless they are ``ours``."""


class StepReporter(Reporter, Protocol):
    """A reporter that also collects steps and their references.

    steps          the steps read so far, in document order
    verdict_steps  {index of a step with a verdict in the steps: (the step, its place)}
    """

    steps: list[Step]
    verdict_steps: dict[int, tuple[Step, Place]]

    def keep_references(self, step: int, before: int) -> tuple[Get | JsonGet, ...]:
        """Store the references read since ``before`` for ``step``, an index or -1 for none; returns them."""

    def nested(
        self, items: object, place: Place, parent: str | None, branch: Nest | None, depth: int
    ) -> tuple[str, ...]:
        """Add the steps in the list ``items``, in a branch of ``parent`` if there is one; returns their names."""
