"""What a sealing needs and can have before: found while a run's last step records are written."""

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
    """``None`` is what was not found; the sealing then looks itself, and tells what is in the way.

    secrets   of the run, to be taken out of the definition
    """

    store: Store
    dag_id: str
    document: Mapping[str, Any]
    secrets: Iterable[str] = ()
    heads: Heads | None = None
    definition: DefinitionCopy | None = None

    def find_heads(self) -> None:
        """Read the ends of the chain.  The older they are, the more records may name the same ones.  Blocking."""
        self.heads = read_heads(self.store, self.dag_id)

    def copy_definition(self) -> None:
        """Keep the definition.  Blocking."""
        self.definition = store_definition(self.store, self.dag_id, self.document, self.secrets)
