"""What can be wrong with stored records, as sentences."""

from __future__ import annotations


class RecordError(ValueError):
    """Base of everything this room raises for people; ``str()`` is the whole message."""


class NoSuchRecord(RecordError):
    """There is no record of that run."""


class BrokenRecord(RecordError):
    """What is stored is no record: cut off, altered, or of another kind."""


class OlderSchema(RecordError):
    """The record has a schema this version does not read."""


class ForeignRecord(RecordError):
    """The record belongs to another DAG or run than its place says."""


class StoreUnavailable(RecordError):
    """The location cannot be read or written: denied, gone, or no such bucket or folder."""
