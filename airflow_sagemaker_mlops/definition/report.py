"""What readers of parts of a document are given to report with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .location import Place


class Reporter(Protocol):
    """Keeps problems."""

    def report(self, code: str, place: Place, what: str, fix: str = "", *, warn: bool = False) -> None:
        """Keep a problem."""

    def wanted(self, value: Any, kind: type | tuple[type, ...], place: Place, word: str) -> bool:
        """Whether ``value`` is of ``kind``; reports it when it is something else than null."""

    def unknown_keys(self, value: Mapping[str, Any], known: frozenset[str], place: Place, owner: str) -> None:
        """Warn of keys that are not ``known``."""
