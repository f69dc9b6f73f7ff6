"""Explains a cache miss: which key attribute changed, with its old and new value."""

from __future__ import annotations

from typing import Any

from ..compare.inputs import input_changes
from ..compare.json_diff import changed, changes
from ..model.step_record import StepRecord
from ..store.listing import ListingOf, no_listing
from .key import INPUTS, is_cacheable, key_values


def why_not_cached(previous: StepRecord | None, current: StepRecord, listing_of: ListingOf = no_listing) -> list[str]:
    """Sentences that compare ``current`` with ``previous``, the step of an earlier run; at least one."""
    early = _without_comparing(previous, current)
    if early or previous is None:
        return early
    before, after = previous.cache, current.cache
    if before is not None and after is not None and before.key == after.key:
        if after.reason:
            return [f"every key attribute is the same, but {after.reason}."]
        if after.result == "expired":
            return ["every key attribute is the same; the earlier run ended longer ago than ExpireAfter."]
        if previous.status != "Succeeded":
            return [f"every key attribute is the same, but the earlier step ended {previous.status}."]
        return ["every key attribute is the same: the earlier result was not stored, or not stored yet."]
    sentences = [f"{line}." for line in _attributes(previous, current)]
    if before is not None and after is not None and before.attributes.get(INPUTS) != after.attributes.get(INPUTS):
        if (INPUTS in before.attributes) != (INPUTS in after.attributes):
            sentences.append("the contents of inputs count in only one of the two runs.")
        sentences += [f"{line}." for line in input_changes(previous.inputs, current.inputs, listing_of)]
    return sentences or ["the key differs, but the stored requests do not show where."]


def _without_comparing(previous: StepRecord | None, current: StepRecord) -> list[str]:
    if current.cache is not None and current.cache.result == "reused":
        return [
            f'it was not selected: its result is from run "{current.cache.source_run}", and the cache was not read.'
        ]
    if current.cache is not None and current.cache.result == "hit":
        return [f'it was found in the cache: its result is from run "{current.cache.source_run}".']
    if current.status in ("NotStarted", "NotTaken", "NotSelected"):
        return [f"it did not run at all: {current.status}."]
    if not is_cacheable(current.type):
        return [f"steps of type {current.type} cannot be cached."]
    if current.cache is None or current.cache.result == "off":
        return ["CacheConfig is not enabled for it."]
    if previous is None:
        return ["no earlier run of this step is recorded."]
    if previous.type != current.type:
        return [f"it was a {previous.type} step before and is a {current.type} step now."]
    return []


def _attributes(previous: StepRecord, current: StepRecord) -> list[str]:
    old = key_values(previous.type, previous.request) if previous.request else {}
    new = key_values(current.type, current.request) if current.request else {}
    lines: list[tuple[str, Any, Any]] = list(changes(old, new))
    return [changed(place, was, now) for place, was, now in lines]
