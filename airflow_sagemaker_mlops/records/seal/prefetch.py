"""Work for sealing that can be done early, while the last step records of a run are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.record import DefinitionCopy
from ..store.protocol import Store
from .hash_chain import Heads, read_heads
from .seal import store_definition


@dataclass(slots=True)
class SealPrefetch:
    """Prefetched parts of a sealing.  For a part that is ``None``, sealing does the work itself and reports errors.

    secrets   of the run, removed from the definition
    """

    store: Store
    dag_id: str
    document: Mapping[str, Any]
    secrets: Iterable[str] = ()
    heads: Heads | None = None
    definition: DefinitionCopy | None = None

    def find_heads(self) -> None:
        """Read the heads of the chain.  The older they are, the more records may refer to the same ones.  Blocking."""
        self.heads = read_heads(self.store, self.dag_id)

    def copy_definition(self) -> None:
        """Store the definition.  Blocking."""
        self.definition = store_definition(self.store, self.dag_id, self.document, self.secrets)
