"""The journal of a step, in its task store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...airflow_versions import CLEARS_DISCARD_STATE
from ...execution.job_state import JobState
from ...execution.journal import Entry, Journal, entry_from_json
from ...xcom_keys import JOURNAL_KEY
from ..task_states import own_xcom
from .protocol import Space, TaskStore

if TYPE_CHECKING:
    from airflow.sdk import Context


class TaskJournal:
    """A journal in XComs and, across attempts, in the state store.  If it is lost, the job's tags are used instead."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._entry: Entry | None = None
        self._is_read = False

    async def read(self) -> Entry | None:
        """The last entry, if it still exists.  Read once, because no other process writes it meanwhile."""
        if not self._is_read:
            # The trigger of this attempt may have written an XCom, if a retry policy requested another job.
            entry = entry_from_json(await self._store.get(JOURNAL_KEY))
            self._entry = entry or entry_from_json(await self._store.get(JOURNAL_KEY, Space.STATE))
            self._is_read = True
        return self._entry

    async def write(self, entry: Entry) -> None:
        """Store ``entry`` in place of the last one, for the next attempt and for the trigger of this one."""
        self._entry, self._is_read = entry, True
        await self._store.set(JOURNAL_KEY, entry.as_json(), Space.STATE)
        await self._store.set(JOURNAL_KEY, entry.as_json())


async def generation_in_triggerer(journal: Journal, try_number: int) -> str:
    """What distinguishes the attempts since a clear from earlier ones, for a task that started in the triggerer.

    ``max_tries``, which tells a worker, is not available there, nor the run's count of clears (Airflow 3.3.2).  In 3.3
    the journal outlasts a clear and has the information itself.  Since 3.4 a clear discards it, so an attempt that
    finds none is the first one after a clear, and the later ones find its generation.
    """
    if not CLEARS_DISCARD_STATE:
        return ""
    entry = await journal.read()
    return entry.generation if entry is not None else f"t{try_number}"


def report_failure(context: Context) -> None:
    """Record that the failure is reported to Airflow: a further attempt is then a retry, not an interruption."""
    ti = context["ti"]
    entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
    if entry is not None and entry.state.has_failed:
        _note(context, entry.advance(JobState.FAILURE_REPORTED))


def save_why_repeated(context: Context, retries: int) -> None:
    """Record in the journal of an earlier attempt whether it was interrupted, or whether a user has cleared it since.

    A task that starts in the triggerer cannot tell.  A clear sets ``max_tries`` to the number of attempts so far plus
    the task's ``retries`` (Airflow 3.3.2), so an attempt after that clear is beyond their difference.
    """
    ti = context["ti"]
    entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
    if entry is None or entry.try_number == ti.try_number or entry.state.asks_for_another:
        return
    if entry.try_number > ti.max_tries - retries:
        _note(context, entry.advance(JobState.INTERRUPTED))
    elif entry.state.has_failed or entry.state.was_interrupted:
        _note(context, entry.advance(JobState.FAILURE_REPORTED))


def _note(context: Context, entry: Entry) -> None:
    context["ti"].xcom_push(key=JOURNAL_KEY, value=entry.as_json())
    store: Any = dict(context).get("task_state_store")
    if store is not None and entry_from_json(store.get(JOURNAL_KEY, None)) is not None:
        store.set(JOURNAL_KEY, entry.as_json())
