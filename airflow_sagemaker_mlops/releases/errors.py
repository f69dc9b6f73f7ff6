"""Errors about releases; each message is a sentence for the terminal."""

from __future__ import annotations


class ReleaseError(Exception):
    """A release cannot be deployed or rolled back; nothing was changed, unless the message says so."""


class ReleaseChanged(ReleaseError):
    """Somebody else deployed or rolled back the stage meanwhile."""


class ContentGone(ReleaseError):
    """The bundle or the code of a release is no longer in S3, or was altered."""
