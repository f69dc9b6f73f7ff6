"""What is known of a step before it runs, also to the process that goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..execution.masking import mask, without
from .canonical import plain
from .fragment import Artifact, CacheMark


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known before the step runs; ``result`` is set when the cache has it, and then nothing is to be run.

    secrets   of the step, as the process that began it knows them
    """

    started: str
    request: Mapping[str, Any] | None = None
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    cache: CacheMark | None = None
    result: Mapping[str, Any] | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Plain data for the process that goes on with the step; without secrets, and without a result."""
        return {
            "started": self.started,
            "request": mask(plain(self.request), {*self.secrets}) if self.request is not None else None,
            "inputs": without([asdict(artifact) for artifact in self.inputs], self.secrets),
            "cache": asdict(self.cache) if self.cache is not None else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Begun:
        """The inverse of :meth:`as_json`."""
        cache = data.get("cache")
        return cls(
            started=str(data["started"]),
            request=data.get("request"),
            inputs=tuple(Artifact(**artifact) for artifact in data.get("inputs") or ()),
            cache=CacheMark(**cache) if cache else None,
        )
