"""The recorded start of a step, also passed to the process that continues the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...execution.secret_masking import mask, without
from ..model.canonical_json import plain
from ..model.step_record import Artifact, CacheOutcome


@dataclass(frozen=True, slots=True)
class StepStart:
    """The data recorded before the step runs.  ``result`` is set on a cache hit; then the step must not run.

    secrets   of the step, also removed from the data stored at its end
    """

    started: str
    request: Mapping[str, Any] | None = None
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    cache: CacheOutcome | None = None
    result: Mapping[str, Any] | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Plain data for the process that continues the step; without a result.

        The request has no secrets.  They are passed separately, to be masked in failure messages of the other process;
        Airflow encrypts the arguments of a trigger.
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
