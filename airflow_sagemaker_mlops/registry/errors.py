"""What can be wrong about a champion, each as a sentence for the person who reads the task log or the terminal."""

from __future__ import annotations


class RegistryError(Exception):
    """Something about a model package group, a version or its history that trying again does not change."""


class NoSuchGroup(RegistryError):
    """The model package group does not exist."""


class ModelDataGone(RegistryError):
    """The champion is in the registry, and its model data is not in S3 any more."""


class ChampionChanged(RegistryError):
    """Another champion came between the comparison and the promotion: the candidate was compared with the wrong one."""
