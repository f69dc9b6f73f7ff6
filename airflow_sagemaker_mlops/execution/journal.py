"""What one step remembers between its attempts, wherever the edge can keep it.

The journal is a help, not the ledger: AWS is.  A lost journal costs a few Describe calls and never a second job.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from .identity import StepIdentity
from .job_state import JobState, check_transition


@dataclass(frozen=True, slots=True)
class Entry:
    """The last job of a step, or the one that it is about to create.

    name         its name, or what stands for one: a ticket, an application
    ordinal      how many jobs of this step came before it
    try_number   the attempt that wrote this; 0 where it was read off the job's tags
    arn          its ARN, or what is needed to find and stop it: a queue, a cluster and a step
    """

    name: str
    ordinal: int
    try_number: int
    generation: str
    state: JobState
    arn: str = ""

    @classmethod
    def of(cls, identity: StepIdentity, name: str, ordinal: int, *, is_running: bool = False, arn: str = "") -> Entry:
        """The entry of an attempt that is about to create a job, or (``is_running``) goes on with one that exists."""
        state = JobState.RUNNING if is_running else JobState.SUBMITTING
        return cls(name, ordinal, identity.try_number, identity.generation, state, arn)

    def as_json(self) -> dict[str, Any]:
        """Plain data for a store."""
        return {**asdict(self), "state": self.state.value}

    def advance(self, state: JobState, *, arn: str = "") -> Entry:
        """The same job in another state.  Raises :class:`TransitionRefused` for one that cannot follow."""
        check_transition(self.state, state)
        return replace(self, state=state, arn=arn or self.arn)


def entry_from_json(data: object) -> Entry | None:
    """The entry in ``data``; ``None`` for anything that is not one (an older or foreign format)."""
    if not isinstance(data, dict):
        return None
    try:
        return Entry(**{**data, "state": JobState(data["state"])})
    except (KeyError, TypeError, ValueError):
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
            self.entry = entry_from_json(await self.notes.load(self.name))
        return self.entry

    async def write(self, entry: Entry) -> None:
        """Keep ``entry`` instead of the last one."""
        self.entry = entry
        await self.notes.save(self.name, entry.as_json())


class Notes(Protocol):
    """Keeps one JSON value for each of a few names, over the attempts of one task where the edge can."""

    async def load(self, name: str) -> Any:
        """What was noted under ``name``; ``None`` when nothing was."""

    async def save(self, name: str, value: Any) -> None:
        """Keep ``value``."""


@dataclass(slots=True)
class MemoryNotes:
    """Notes that live as long as their process."""

    values: dict[str, Any] = field(default_factory=dict)

    async def load(self, name: str) -> Any:
        """What was noted under ``name``; ``None`` when nothing was."""
        return self.values.get(name)

    async def save(self, name: str, value: Any) -> None:
        """Keep ``value``."""
        self.values[name] = value
