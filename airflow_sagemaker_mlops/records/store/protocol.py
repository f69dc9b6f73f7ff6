"""Storage of records: :class:`Store`, a few operations on keys that both S3 and a folder support.

Keys are relative and use ``/``.  Every error is a :class:`StoreUnavailable` with a sentence, except a missing key,
which is ``None`` or ``False``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAX_BYTES = 512_000_000  # of one object: the listing of a million files takes about 200 MB, a record far less


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes and their tag, by which :meth:`Store.replace` recognizes that they are unchanged."""

    data: bytes
    tag: str


class Store(Protocol):
    """Objects under a base location."""

    @property
    def base(self) -> str:
        """The location as users write it: ``s3://bucket/records`` or a folder."""

    def read(self, key: str) -> Stored | None:
        """The object; ``None`` if the key does not exist."""

    def create(self, key: str, data: bytes) -> bool:
        """Write a new object; ``False`` if the key exists, whose object stays unchanged."""

    def replace(self, key: str, data: bytes, tag: str | None) -> bool:
        """Replace the object that has ``tag`` (``None``: no object); ``False`` if another writer was faster."""

    def write(self, key: str, data: bytes) -> None:
        """Write, replacing any existing object."""

    def delete(self, key: str) -> None:
        """Delete the object, if it exists."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys with this prefix, sorted."""

    def folders(self) -> Iterator[str]:
        """The first segments of all keys, sorted."""


def too_large(size: int) -> str:
    """Why an object is not read, as part of a :class:`StoreUnavailable` sentence."""
    return f"it has {size:,} bytes, and objects of records have at most {MAX_BYTES:,}"


def address(store: Store, key: str) -> str:
    """The URI or path of ``key``, for users and other tools."""
    return f"{store.base.rstrip('/')}/{key}"
