"""Findings of ``verify``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a record, or of the index; ``harmless`` if it proves no tampering, e.g. an index to rebuild."""

    run_id: str
    what: str
    harmless: bool = False
