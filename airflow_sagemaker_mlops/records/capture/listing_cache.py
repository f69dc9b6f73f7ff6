"""What was looked at a moment ago: a step that reads what the one before it has just left lists nothing again.

A job starts seconds after its step was begun, so a look that is a second old says as much as one of now.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..model.step_record import Artifact

FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class ListingCache:
    """Looks of one run at single objects, by URI.  Of folders a listing is kept besides, which needs one of its own."""

    _looks: dict[str, tuple[float, Artifact]] = field(default_factory=dict)

    def note(self, artifacts: Iterable[Artifact], looked: float) -> None:
        """Keep ``artifacts``, which were looked at from ``looked`` on, by ``time.monotonic()``."""
        for artifact in artifacts:
            if artifact.objects == 1:
                self._looks[artifact.uri] = (looked, artifact)

    def of(self, artifact: Artifact) -> Artifact | None:
        """``artifact`` as it was a moment ago; ``None`` when nobody looked."""
        looked, seen = self._looks.get(artifact.uri, (0.0, None))
        if seen is None or time.monotonic() - looked > FRESH_S:
            return None
        return replace(seen, name=artifact.name, role=artifact.role, instead_of=artifact.instead_of)
