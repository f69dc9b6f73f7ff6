"""What a step keeps while it runs in a worker: Airflow's task state store (3.3), and its own XComs.

XComs of a task that runs in a worker are deleted before every attempt; the store outlives retries and clears.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...callbacks.store import CLOSED, KEY_PREFIX, OPEN, as_answer, deployment_secret
from ...execution.journal import Entry, entry_from_json
from ...execution.secret_masking import mask
from ..step_task import JOURNAL_KEY
from ..task_states import REASON_KEY, own_xcom

if TYPE_CHECKING:
    from airflow.sdk import Context

RESULT_KEY = "sagemaker_result"
LONGEST_REASON = 500  # characters; the step's own log has all of it


class TaskStateJournal:
    """A journal: XComs within an attempt, the store beyond it; where there is no store, the job's own tags serve."""

    def __init__(self, context: Context) -> None:
        self._store: Any = dict(context).get("task_state_store")
        self._ti: Any = context["ti"]
        self._entry: Entry | None = None

    async def read(self) -> Entry | None:
        """The last entry, if it is still known."""
        if self._entry is None:  # what the trigger of this attempt left, where a retry policy has another job made
            self._entry = entry_from_json(own_xcom(self._ti, JOURNAL_KEY))
        if self._entry is None and self._store is not None:
            self._entry = entry_from_json(self._store.get(JOURNAL_KEY, None))
        return self._entry

    async def write(self, entry: Entry) -> None:
        """Keep ``entry`` instead of the last one, for the next attempt and for the trigger of this one."""
        self._entry = entry
        if self._store is not None:
            self._store.set(JOURNAL_KEY, entry.as_json())
        self._ti.xcom_push(key=JOURNAL_KEY, value=entry.as_json())


def report_failure(context: Context) -> None:
    """Note that Airflow is being told of a failure that it may retry: another attempt is no mishap from now on."""
    ti: Any = context["ti"]
    entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
    if entry is not None and entry.state == "failed":
        _note(context, entry.with_state("reported"))


def note_reason(context: Context, error: Exception) -> None:
    """Leave why this attempt has failed, for the verdict, which names it."""
    ti: Any = context["ti"]
    ti.xcom_push(key=REASON_KEY, value={"try": ti.try_number, "why": mask(str(error))[:LONGEST_REASON]})


def note_why_again(context: Context, retries: int) -> None:
    """Note in the journal of an earlier attempt whether a mishap ended it, or a user cleared it since.

    What begins in the triggerer cannot tell.  A clear sets ``max_tries`` to the attempts so far and the task's
    ``retries`` (Airflow 3.3.2), so an attempt that was not cleared since is beyond their difference.
    """
    ti: Any = context["ti"]
    entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
    if entry is None or entry.try_number == ti.try_number or entry.state in ("killed", "reported"):
        return
    if entry.try_number > ti.max_tries - retries:
        _note(context, entry.with_state("mishap"))
    elif entry.state in ("failed", "mishap"):
        _note(context, entry.with_state("reported"))


def _note(context: Context, entry: Entry) -> None:
    context["ti"].xcom_push(key=JOURNAL_KEY, value=entry.as_json())
    store: Any = dict(context).get("task_state_store")
    if store is not None and entry_from_json(store.get(JOURNAL_KEY, None)) is not None:
        store.set(JOURNAL_KEY, entry.as_json())


class KeptEnd:
    """How a step ended, kept until its task has ended too.

    A task that deferred is sometimes retried though it was about to end (Airflow 3.3.2, when the executor's word on the
    deferral comes late).  Then the step must not run again; a user's clear raises ``max_tries`` and runs it anew.
    """

    def __init__(self, context: Context) -> None:
        ti: Any = context["ti"]
        self._store: Any = dict(context).get("task_state_store")
        self._generation = f"m{ti.max_tries}"

    def read(self) -> Mapping[str, Any]:
        """What :meth:`keep` kept in this generation; empty when it has kept nothing."""
        kept = self._store.get(RESULT_KEY, None) if self._store is not None else None
        return kept if isinstance(kept, dict) and kept.get("generation") == self._generation else {}

    def keep(self, **end: Any) -> None:
        """Keep ``result``, or ``failure`` (why) and ``left`` (a failed step's result), where Airflow has a place.

        ``published``, the XComs that people look at, goes with it: Airflow deletes a task's XComs when it retries it.
        """
        if self._store is not None:
            self._store.set(RESULT_KEY, {"generation": self._generation, **end})


class TaskStateNotes:
    """Notes in the store; where there is none, in XComs, for the processes that one attempt goes through."""

    def __init__(self, context: Context) -> None:
        self._store: Any = dict(context).get("task_state_store")
        self._ti: Any = context["ti"]

    async def recall(self, name: str) -> Any:
        """What was noted under ``name``; ``None`` when nothing was."""
        if self._store is not None:
            return self._store.get(name, None)
        return own_xcom(self._ti, name)

    async def note(self, name: str, value: Any) -> None:
        """Keep ``value``."""
        if self._store is not None:
            self._store.set(name, value)
        else:
            self._ti.xcom_push(key=name, value=value)


class WorkerMailbox:
    """A mailbox in the XComs of the running task, where its trigger looks too.

    An answer that came in an earlier attempt went with that one's XComs; the store still has it.
    """

    secret = property(lambda _self: deployment_secret())

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]
        self._store: Any = dict(context).get("task_state_store")

    def _read(self, handle: str) -> Any:
        key = KEY_PREFIX + handle
        found = own_xcom(self._ti, key)
        kept = self._store.get(key, None) if found is None and self._store is not None else None
        if kept is not None:
            self._ti.xcom_push(key=key, value=kept)
        return found if kept is None else kept

    async def open(self, handle: str) -> None:
        """Take an answer for ``handle`` from now on."""
        self._ti.xcom_push(key=KEY_PREFIX + handle, value=OPEN)

    async def is_open(self, handle: str) -> bool:
        """Whether ``handle`` may be answered, or has been."""
        return self._read(handle) not in (None, CLOSED)

    async def answer(self, handle: str) -> dict[str, Any] | None:
        """The answer, once there is one."""
        return as_answer(self._read(handle))

    async def close(self, handle: str) -> None:
        """Take no answer for ``handle`` any more."""
        self._ti.xcom_push(key=KEY_PREFIX + handle, value=CLOSED)
