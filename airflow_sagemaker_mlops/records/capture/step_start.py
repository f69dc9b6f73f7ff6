"""What is known of a step before it runs, also to the process that goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...execution.secret_masking import mask, without
from ..model.canonical_json import plain
from ..model.step_record import Artifact, CacheOutcome


@dataclass(frozen=True, slots=True)
class StepStart:
    """What is known before the step runs; ``result`` is set when the cache has it, and then nothing is to be run.

    secrets   that the step was given, to be taken out of what is stored of its end too
    """

    started: str
    request: Mapping[str, Any] | None = None
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    cache: CacheOutcome | None = None
    result: Mapping[str, Any] | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Plain data for the process that goes on with the step; without a result.

        The request is without secrets; they stand beside, for the texts of a failure that the other process is told.
        Airflow keeps what a trigger is given encrypted.
        """
        return {
            "started": self.started,
            "request": mask(plain(self.request), {*self.secrets}) if self.request is not None else None,
            "inputs": without([asdict(artifact) for artifact in self.inputs], self.secrets),
            "cache": asdict(self.cache) if self.cache is not None else None,
            "secrets": sorted(self.secrets),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StepStart:
        """The inverse of :meth:`as_json`."""
        cache = data.get("cache")
        return cls(
            started=str(data["started"]),
            request=data.get("request"),
            inputs=tuple(Artifact(**artifact) for artifact in data.get("inputs") or ()),
            cache=CacheOutcome(**cache) if cache else None,
            secrets=frozenset(data.get("secrets") or ()),
        )
