"""What a step keeps in its own XComs while it runs in the triggerer.

XComs of a task that starts there survive retries and clears (Airflow 3.3.2), and the API server can write them too.
"""

from __future__ import annotations

from typing import Any, Protocol

from ...callbacks.store import CLOSED, KEY_PREFIX, OPEN, as_answer, deployment_secret
from ...execution.journal import Entry, entry_from_json
from ..step_task import JOURNAL_KEY


class OwnXComs(Protocol):
    """The trigger whose task's XComs these are."""

    task_instance: Any

    async def get_xcom(self, key: str, task_id: str | None = None, map_index: int | None = None) -> Any:
        """An XCom of this run; ``None`` when there is none.  The own task's when ``task_id`` is left out."""

    async def set_xcom(self, key: str, value: Any) -> None:
        """Write an XCom of the own task."""


class XComJournal:
    """A journal; where it is lost, the tags of the job itself tell the same."""

    def __init__(self, trigger: OwnXComs) -> None:
        self._trigger = trigger
        self._entry: Entry | None = None
        self._is_read = False

    async def read(self) -> Entry | None:
        """The last entry, if it is still known; asked for once, for nobody else writes it meanwhile."""
        if not self._is_read:
            self._entry = entry_from_json(await self._trigger.get_xcom(JOURNAL_KEY))
            self._is_read = True
        return self._entry

    async def write(self, entry: Entry) -> None:
        """Keep ``entry`` instead of the last one."""
        self._entry, self._is_read = entry, True
        await self._trigger.set_xcom(JOURNAL_KEY, entry.as_json())


class XComNotes:
    """Results of a ForEach step's children, each an XCom of the child's name."""

    def __init__(self, trigger: OwnXComs) -> None:
        self._trigger = trigger

    async def recall(self, name: str) -> Any:
        """What was noted under ``name``; ``None`` when nothing was."""
        return await self._trigger.get_xcom(name)

    async def note(self, name: str, value: Any) -> None:
        """Keep ``value``."""
        await self._trigger.set_xcom(name, value)


class XComMailbox:
    """Answers to Callback steps: the API server writes them over the XCom that the step opened."""

    secret = property(lambda _self: deployment_secret())

    def __init__(self, trigger: OwnXComs) -> None:
        self._trigger = trigger

    async def open(self, handle: str) -> None:
        """Take an answer for ``handle`` from now on."""
        await self._trigger.set_xcom(KEY_PREFIX + handle, OPEN)

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` may be answered, or has been."""
        return await self._trigger.get_xcom(KEY_PREFIX + handle) not in (None, CLOSED)

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return as_answer(await self._trigger.get_xcom(KEY_PREFIX + handle))

    async def close(self, handle: str) -> None:
        """Take no answer for ``handle`` any more."""
        await self._trigger.set_xcom(KEY_PREFIX + handle, CLOSED)
