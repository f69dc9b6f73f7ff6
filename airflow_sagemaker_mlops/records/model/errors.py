"""Errors about stored records; each message is a sentence."""

from __future__ import annotations


class RecordError(ValueError):
    """A record, or its location, cannot be used; ``str()`` is the complete message."""


class CannotBePinned(RecordError):
    """The record does not hold what a pinned reproduction needs; ``why`` is the message without the advice."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Pass the definition instead of reproducing the stored one.")
        self.why = why


class CopiesInsideInput(RecordError):
    """The copies of an input's recorded versions would be read as part of an input; ``why`` has no advice."""

    def __init__(self, why: str) -> None:
        super().__init__(f'{why} Pass another location as copies="s3://bucket/prefix".')
        self.why = why


class NoSuchRecord(RecordError):
    """No record of that run exists."""


class BrokenRecord(RecordError):
    """The stored object is not a valid record: it is truncated, altered, or of another kind."""


class OlderSchema(RecordError):
    """The record has a schema that this version cannot read."""


class ForeignRecord(RecordError):
    """The record belongs to a DAG or run other than its key names."""


class StoreUnavailable(RecordError):
    """The location cannot be read or written: access is denied, or the bucket or folder does not exist."""
