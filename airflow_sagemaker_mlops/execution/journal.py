"""What one step remembers between its attempts, wherever the edge can keep it.

The journal is a help, not the ledger: AWS is.  A lost journal costs a few Describe calls and never a second job.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol

State = Literal["intent", "submitted", "done", "failed", "reported", "killed", "mishap"]


@dataclass(frozen=True, slots=True)
class Entry:
    """The last resource a step made, or meant to make.

    ordinal      how many resources of this step came before it
    state        intent: about to be created; submitted: exists; done/failed: ended; reported: failed, and another
                 is to be made, by a retry policy or another attempt; killed: a user stopped the task; mishap: the
                 attempt broke off and will be retried, the resource may still run
    """

    name: str
    ordinal: int
    try_number: int
    generation: str
    state: State
    arn: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data for a store."""
        return asdict(self)

    def with_state(self, state: State, arn: str = "") -> Entry:
        """The same resource in another state."""
        return replace(self, state=state, arn=arn or self.arn)


def entry_from_json(data: object) -> Entry | None:
    """The entry in ``data``; ``None`` for anything that is not one (an older or foreign format)."""
    if not isinstance(data, dict):
        return None
    try:
        return Entry(**data)
    except TypeError:
        return None


class Journal(Protocol):
    """Keeps one entry for a step of a run."""

    async def read(self) -> Entry | None:
        """The last entry, if it is still known."""

    async def write(self, entry: Entry) -> None:
        """Keep ``entry`` instead of the last one."""


@dataclass(slots=True)
class MemoryJournal:
    """A journal that lives as long as its process."""

    entry: Entry | None = None

    async def read(self) -> Entry | None:
        """The last entry, if it is still known."""
        return self.entry

    async def write(self, entry: Entry) -> None:
        """Keep ``entry`` instead of the last one."""
        self.entry = entry


@dataclass(slots=True)
class NotedJournal:
    """The journal of a ForEach step's child, among the loop's notes under ``name``."""

    notes: Notes
    name: str
    entry: Entry | None = None

    async def read(self) -> Entry | None:
        """The last entry, if it is still known."""
        if self.entry is None:
            self.entry = entry_from_json(await self.notes.recall(self.name))
        return self.entry

    async def write(self, entry: Entry) -> None:
        """Keep ``entry`` instead of the last one."""
        self.entry = entry
        await self.notes.note(self.name, entry.as_json())


class Notes(Protocol):
    """Keeps one JSON value for each of a few names, over the attempts of one task where the edge can."""

    async def recall(self, name: str) -> Any:
        """What was noted under ``name``; ``None`` when nothing was."""

    async def note(self, name: str, value: Any) -> None:
        """Keep ``value``."""


@dataclass(slots=True)
class MemoryNotes:
    """Notes that live as long as their process."""

    values: dict[str, Any] = field(default_factory=dict)

    async def recall(self, name: str) -> Any:
        """What was noted under ``name``; ``None`` when nothing was."""
        return self.values.get(name)

    async def note(self, name: str, value: Any) -> None:
        """Keep ``value``."""
        self.values[name] = value
