"""What a step remembers between its attempts; the runtime decides where to store it.

The journal is an aid; AWS is the ledger.  A lost journal costs a few Describe calls, but never a second job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from .identity import StepIdentity
from .job_state import JobState, check_transition


@dataclass(frozen=True, slots=True)
class Entry:
    """The last job of a step, or the job that it is about to create.

    name         its name or a substitute: a ticket, an application
    ordinal      number of jobs that this step created before it
    try_number   the attempt that wrote this; 0 if the entry was restored from the job's tags
    handle       the data needed to find and stop it if the name does not suffice, in its runner's form: an ARN,
                 "<cluster>/<step>" for EMR, a queue for a callback; empty otherwise, or if nothing exists yet
    """

    name: str
    ordinal: int
    try_number: int
    generation: str
    state: JobState
    handle: str = ""

    @classmethod
    def of(
        cls, identity: StepIdentity, name: str, ordinal: int, *, is_running: bool = False, handle: str = ""
    ) -> Entry:
        """The entry of an attempt that is about to create a job, or (``is_running``) continues with an existing one."""
        state = JobState.RUNNING if is_running else JobState.SUBMITTING
        return cls(name, ordinal, identity.try_number, identity.generation, state, handle)

    def as_json(self) -> dict[str, Any]:
        """Plain data for a store."""
        return {**asdict(self), "state": self.state.value}

    def advance(self, state: JobState, *, handle: str = "") -> Entry:
        """The same job in another state.  Raises :class:`TransitionRefused` for an invalid transition."""
        check_transition(self.state, state)
        return replace(self, state=state, handle=handle or self.handle)


def entry_from_json(data: object) -> Entry | None:
    """The entry in ``data``; ``None`` for other data."""
    if not isinstance(data, dict):
        return None
    try:
        return Entry(**{**with_handle(data), "state": JobState(data["state"])})
    except (KeyError, TypeError, ValueError):
        return None


def with_handle(data: Mapping[str, object]) -> dict[str, Any]:
    """``data`` of an entry or a submitted job, with the "arn" of earlier versions under its name of today."""
    return {"handle" if key == "arn" else key: value for key, value in data.items()}


class Journal(Protocol):
    """Stores one entry for a step of a run."""

    async def read(self) -> Entry | None:
        """The last entry, if it still exists."""

    async def write(self, entry: Entry) -> None:
        """Store ``entry`` in place of the last one."""


@dataclass(slots=True)
class MemoryJournal:
    """A journal that lives as long as its process."""

    entry: Entry | None = None

    async def read(self) -> Entry | None:
        """The last entry, if it still exists."""
        return self.entry

    async def write(self, entry: Entry) -> None:
        """Store ``entry`` in place of the last one."""
        self.entry = entry


@dataclass(slots=True)
class NotedJournal:
    """The journal of a ForEach step's child, stored in the loop's notes under ``name``."""

    notes: Notes
    name: str
    entry: Entry | None = None

    async def read(self) -> Entry | None:
        """The last entry, if it still exists."""
        if self.entry is None:
            self.entry = entry_from_json(await self.notes.load(self.name))
        return self.entry

    async def write(self, entry: Entry) -> None:
        """Store ``entry`` in place of the last one."""
        self.entry = entry
        await self.notes.save(self.name, entry.as_json())


class Notes(Protocol):
    """Stores a JSON value per name, across the attempts of one task if the runtime supports that."""

    async def load(self, name: str) -> Any:
        """The value stored under ``name``, or ``None``."""

    async def save(self, name: str, value: object) -> None:
        """Keep ``value``."""


@dataclass(slots=True)
class MemoryNotes:
    """Notes that live as long as their process."""

    values: dict[str, Any] = field(default_factory=dict)

    async def load(self, name: str) -> Any:
        """The value stored under ``name``, or ``None``."""
        return self.values.get(name)

    async def save(self, name: str, value: object) -> None:
        """Keep ``value``."""
        self.values[name] = value
