"""Errors about champions; each message is a sentence for the task log or the terminal."""

from __future__ import annotations


class RegistryError(Exception):
    """A permanent error about a model package group, a version or its history; a retry does not help."""


class NoSuchGroup(RegistryError):
    """The model package group does not exist."""


class ModelDataGone(RegistryError):
    """The champion is in the registry, but its model data no longer exists in S3."""


class ChampionChanged(RegistryError):
    """The champion changed between comparison and promotion, so the comparison no longer counts."""


class Abandoned(RegistryError):
    """Somebody rejected the version before it became the champion, or since; the champion before it stays."""
