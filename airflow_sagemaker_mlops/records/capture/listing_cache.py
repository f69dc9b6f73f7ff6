"""Recent listings: a step that reads what the previous step has just written does not list it again.

A job starts seconds after its step, so a listing that is one second old is as good as a new one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..model.step_record import Artifact

FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class ListingCache:
    """Recent listings of single objects in one run, by URI.  Folders are listed again, for their stored listings."""

    _listings: dict[str, tuple[float, Artifact]] = field(default_factory=dict)

    def save(self, artifacts: Iterable[Artifact], listed: float) -> None:
        """Save ``artifacts``, whose listing began at ``listed``, by ``time.monotonic()``."""
        for artifact in artifacts:
            if artifact.objects == 1:
                self._listings[artifact.uri] = (listed, artifact)

    def recent(self, artifact: Artifact) -> Artifact | None:
        """``artifact`` as listed within the last second; ``None`` if it was not."""
        listed, found = self._listings.get(artifact.uri, (0.0, None))
        if found is None or time.monotonic() - listed > FRESH_S:
            return None
        return replace(found, name=artifact.name, role=artifact.role, instead_of=artifact.instead_of)
