"""Differences between inputs: other URIs, and new, deleted or changed objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.step_record import Artifact
from ..store.listing import ListingOf, no_listing, objects_of

MAX_NAMED = 3


def input_changes(old: Sequence[Artifact], new: Sequence[Artifact], listing_of: ListingOf = no_listing) -> list[str]:
    """One phrase per change: ``3 objects new under train/``."""
    before, after = _by_name(old), _by_name(new)
    phrases = [f"input {name} is gone" for name in before if name not in after]
    for name, artifact in after.items():
        if name not in before:
            phrases.append(f"input {name} is new ({artifact.uri})")
        else:
            phrases += _changes(name, before[name], artifact, listing_of)
    return phrases


def _by_name(artifacts: Sequence[Artifact]) -> dict[str, Artifact]:
    return {artifact.name or artifact.uri: artifact for artifact in artifacts}


def _changes(name: str, old: Artifact, new: Artifact, listing_of: ListingOf) -> Iterator[str]:
    known = bool(old.sha256 and new.sha256)
    if old.uri != new.uri and not (known and old.sha256 == new.sha256):
        yield f"{name} {old.uri} -> {new.uri}"
    if not known:
        if old.sha256 != new.sha256:
            problem = new.problem or old.problem or "it was not listed in one of the runs"
            yield f"{name} cannot be compared: {problem}"
        return
    if old.sha256 != new.sha256 and old.etag and new.etag and not (old.key or new.key):
        size = "" if old.bytes == new.bytes else f" ({old.bytes} -> {new.bytes} bytes)"
        yield f"contents of {_folder(new.uri)} changed{size}"
    elif old.sha256 != new.sha256:
        yield from _objects(_folder(new.uri), old, new, listing_of)


def _objects(place: str, old: Artifact, new: Artifact, listing_of: ListingOf) -> Iterator[str]:
    before, after = objects_of(old, listing_of), objects_of(new, listing_of)
    if before is None or after is None:
        grown = (new.objects or 0) - (old.objects or 0)
        if grown:
            yield f"{_count(abs(grown))} {'more' if grown > 0 else 'fewer'} under {place}"
        else:
            size = "" if old.bytes == new.bytes else f" ({old.bytes} -> {new.bytes} bytes)"
            yield f"contents changed under {place}{size}"
        return
    for word, keys in (
        ("new", sorted(after.keys() - before.keys())),
        ("gone", sorted(before.keys() - after.keys())),
        ("changed", sorted(k for k in after.keys() & before.keys() if after[k].content != before[k].content)),
    ):
        if keys:
            named = f" ({', '.join(keys)})" if len(keys) <= MAX_NAMED else ""
            yield f"{_count(len(keys))} {word} under {place}{named}"


def _count(number: int) -> str:
    return f"{number} object" + ("" if number == 1 else "s")


def _folder(uri: str) -> str:
    """The last segment of a prefix, for users."""
    name = uri.rstrip("/").rpartition("/")[2]
    return name if "." in name and not uri.endswith("/") else f"{name}/"
