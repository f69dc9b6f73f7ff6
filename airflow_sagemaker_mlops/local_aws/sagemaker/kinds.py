"""Kinds of resources whose operations differ only in names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """The names of one kind of resource.

    word    its name in operations, e.g. in ``CreateTrainingJob``, and in members
    family  its name in the store, and in ARNs unless ``path`` differs
    """

    word: str
    family: str
    path: str = ""

    @property
    def name_key(self) -> str:
        """The member that holds the name."""
        return f"{self.word}Name"

    @property
    def arn_key(self) -> str:
        """The member that holds the ARN."""
        return f"{self.word}Arn"

    @property
    def status_key(self) -> str:
        """The member that holds the status."""
        return f"{self.word}Status"
