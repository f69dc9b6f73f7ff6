"""The journal of a step, in its task store."""

from __future__ import annotations

from ...execution.journal import Entry, entry_from_json
from ..step_task import JOURNAL_KEY
from .protocol import Space, TaskStore


class TaskJournal:
    """A journal in XComs, and beyond the attempt in the state store.  Where it is lost, the job's own tags serve."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._entry: Entry | None = None
        self._is_read = False

    async def read(self) -> Entry | None:
        """The last entry, if it is still known.  Looked up once, because nobody else writes it meanwhile."""
        if not self._is_read:
            # The trigger of this attempt may have written an XCom, where a retry policy asks for another job.
            entry = entry_from_json(await self._store.get(JOURNAL_KEY))
            self._entry = entry or entry_from_json(await self._store.get(JOURNAL_KEY, Space.STATE))
            self._is_read = True
        return self._entry

    async def write(self, entry: Entry) -> None:
        """Store ``entry`` in place of the last one, for the next attempt and for the trigger of this one."""
        self._entry, self._is_read = entry, True
        await self._store.set(JOURNAL_KEY, entry.as_json(), Space.STATE)
        await self._store.set(JOURNAL_KEY, entry.as_json())
