"""Stored listings of S3 locations: one line per object."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..model.step_record import Artifact
from .keys import content_key
from .protocol import Store

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"t": "\t", "n": "\n", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Line:
    """One object of a listing; ``version`` is "" without versioning."""

    key: str
    etag: str
    size: int
    version: str = ""

    def as_bytes(self) -> bytes:
        """The hashed form.  Tabs and line feeds in keys are escaped, so different listings have different text."""
        key = self.key.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        return f"{key}\t{self.etag}\t{self.size}\t{self.version}\n".encode()

    @classmethod
    def from_text(cls, text: str) -> Line:
        """The inverse of :meth:`as_bytes`.  Raises ``ValueError`` for other text."""
        key, etag, size, version = text.removesuffix("\n").split("\t")
        return cls(_ESCAPED.sub(lambda match: _MEANT.get(match[1], match[0]), key), etag, int(size), version)

    @property
    def content(self) -> tuple[str, int]:
        """Equal for objects with equal content."""
        return self.etag, self.size


Listing = Mapping[str, Line]
ListingOf = Callable[[str], Listing | None]  # hash -> {key: line}, if it was stored


def no_listing(_sha256: str) -> None:
    """For callers without stored listings."""


def read_listing(store: Store, dag_id: str, sha256: str) -> dict[str, Line] | None:
    """A stored listing by key; ``None`` if it was not stored or does not match its hash."""
    found = store.read(content_key(dag_id, "listings", sha256, "tsv"))
    if found is None or hashlib.sha256(found.data).hexdigest() != sha256:
        return None
    lines = (Line.from_text(text) for text in found.data.decode().split("\n") if text)
    return {line.key: line for line in lines}


def objects_of(artifact: Artifact, listing_of: ListingOf) -> Listing | None:
    """The recorded objects of ``artifact``, by the rest of their keys; ``None`` if they were not stored."""
    if artifact.etag:
        line = Line(artifact.key, artifact.etag, artifact.bytes or 0, artifact.version)
        return {line.key: line}
    known = artifact.listing or artifact.sha256
    return listing_of(known) if known else None
