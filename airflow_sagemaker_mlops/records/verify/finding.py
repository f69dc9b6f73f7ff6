"""What ``verify`` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a record, or with the index (then ``harmless``: it can be built again)."""

    run_id: str
    what: str
    harmless: bool = False
