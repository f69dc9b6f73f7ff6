"""What readers of parts of a document are given to report with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .expressions import Reader
from .location import Place
from .model import Get, JsonGet, Step


class Reporter(Protocol):
    """Keeps problems."""

    def report(self, code: str, place: Place, what: str, fix: str = "", *, warn: bool = False) -> None:
        """Keep a problem."""

    def wanted(self, value: Any, kind: type | tuple[type, ...], place: Place, word: str) -> bool:
        """Whether ``value`` is of ``kind``; reports it when it is something else than null."""

    def unknown_keys(self, value: Mapping[str, Any], known: frozenset[str], place: Place, owner: str) -> None:
        """Warn of keys that are not ``known``."""


class StepReporter(Reporter, Protocol):
    """What reads steps: also keeps those, with what they reference.

    steps   those read so far; one behind another in the order of the document
    gates   {index of a champion gate in the steps: (the step, its place)}
    """

    reader: Reader
    steps: list[Step]
    gates: dict[int, tuple[Step, Place]]

    def keep_references(self, step: int, before: int) -> tuple[Get | JsonGet, ...]:
        """Keep what was read since ``before`` as references of ``step``, an index or -1 for none; those references."""

    def nested(self, items: Any, place: Place, parent: str | None, branch: Any, depth: int) -> tuple[str, ...]:
        """Add the steps in the list ``items``, those of a branch of ``parent`` if there is one; their names."""
