"""Kinds of entities whose operations differ in nothing but names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between kinds of entities.

    word    as in the operations, ``CreateTrainingJob``, and in members
    family  in the store, and in ARNs unless they have another ``path``
    """

    word: str
    family: str
    path: str = ""

    @property
    def name_key(self) -> str:
        """Member that holds the name."""
        return f"{self.word}Name"

    @property
    def arn_key(self) -> str:
        """Member that holds the ARN."""
        return f"{self.word}Arn"

    @property
    def status_key(self) -> str:
        """Member that holds the status."""
        return f"{self.word}Status"
