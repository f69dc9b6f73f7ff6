"""Stored listings for a comparison: only those of small inputs, because a page cannot wait for a million lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...records.store.listing import ListingOf, read_listing
from ...records.store.protocol import Store

MAX_OBJECTS = 2_000


def small_listings(store: Store, record_id: str, records: Sequence[Mapping[str, Any]]) -> ListingOf:
    """Reads the listings of inputs with at most :data:`MAX_OBJECTS` objects."""
    small = {
        item.get("listing") or item.get("sha256")
        for record in records
        for step in record.get("steps") or ()
        for item in step.get("inputs") or ()
        if isinstance(item.get("objects"), int) and item["objects"] <= MAX_OBJECTS
    }
    return lambda sha256: read_listing(store, record_id, sha256) if sha256 in small else None
