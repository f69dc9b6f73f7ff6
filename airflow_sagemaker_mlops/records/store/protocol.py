"""Where records are kept: :class:`Store`, a few operations on keys that S3 and a folder both have.

Keys are relative, with ``/``.  Every error is :class:`StoreUnavailable` with a sentence, except a key that is
not there, which is ``None`` or ``False``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MOST_BYTES = 512_000_000  # of an object: a listing of a million files has some 200 MB, a record far less


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes, and the tag by which :meth:`Store.replace` knows that they are still there."""

    data: bytes
    tag: str


class Store(Protocol):
    """Objects under a base location."""

    @property
    def base(self) -> str:
        """The location as people write it: ``s3://bucket/records`` or a folder."""

    def read(self, key: str) -> Stored | None:
        """The object; ``None`` when there is none."""

    def create(self, key: str, data: bytes) -> bool:
        """Write an object that is not there yet; ``False`` when it is, and it stays as it was."""

    def replace(self, key: str, data: bytes, tag: str | None) -> bool:
        """Write over what :meth:`read` gave with ``tag`` (``None``: nothing); ``False`` when somebody was faster."""

    def write(self, key: str, data: bytes) -> None:
        """Write, whatever is there."""

    def delete(self, key: str) -> None:
        """Remove; nothing happens when it is not there."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with ``prefix``, sorted."""

    def folders(self) -> Iterator[str]:
        """First segments of all keys, sorted."""


def too_large(size: int) -> str:
    """Why an object is not read, for a sentence of :class:`StoreUnavailable`."""
    return f"it has {size:,} bytes, and what belongs here has at most {MOST_BYTES:,}"


def address(store: Store, key: str) -> str:
    """The URI or path of ``key``, for people and other tools."""
    return f"{store.base.rstrip('/')}/{key}"
