"""The task store of a worker, and what only a worker stores: why an attempt failed, and how the step ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...execution.job_state import JobState
from ...execution.journal import Entry, entry_from_json
from ...execution.secret_masking import mask
from ..step_task import JOURNAL_KEY
from ..task_states import REASON_KEY, own_xcom, xcom_of
from .protocol import Space

if TYPE_CHECKING:
    from airflow.sdk import Context

RESULT_KEY = "sagemaker_result"
LONGEST_REASON = 500  # characters; the step's own log has all of it


class WorkerTaskStore:
    """XComs of the running task, and its state store where Airflow has one."""

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]
        self._state: Any = dict(context).get("task_state_store")
        self.has_state = self._state is not None

    async def get(self, key: str, space: Space = Space.XCOM) -> Any:
        """The value stored under ``key``; ``None`` when there is none."""
        if space is Space.XCOM:
            return own_xcom(self._ti, key)
        return self._state.get(key, None) if self.has_state else None

    async def set(self, key: str, value: Any, space: Space = Space.XCOM) -> None:
        """Store ``value`` under ``key`` in place of the earlier one."""
        if space is Space.XCOM:
            self._ti.xcom_push(key=key, value=value)
        elif self.has_state:
            self._state.set(key, value)

    async def get_from(self, task_id: str, key: str, map_index: int | None = None) -> Any:
        """An XCom of another task in this run; ``None`` when there is none."""
        return xcom_of(self._ti, task_id, key, map_index)

    async def task_states(self) -> Mapping[str, str]:
        """The states of all task instances in this run, by the keys of Airflow's ``get_task_states``."""
        dag_id, run_id = self._ti.dag_id, self._ti.run_id
        return self._ti.get_task_states(dag_id=dag_id, run_ids=[run_id]).get(run_id) or {}


def report_failure(context: Context) -> None:
    """Note that Airflow is being told of a failure that it may retry: another attempt is no mishap from now on."""
    ti: Any = context["ti"]
    entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
    if entry is not None and entry.state is JobState.FAILED:
        _note(context, entry.advance(JobState.FAILURE_REPORTED))


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
    if entry is None or entry.try_number == ti.try_number or entry.state.asks_for_another:
        return
    if entry.try_number > ti.max_tries - retries:
        _note(context, entry.advance(JobState.INTERRUPTED))
    elif entry.state in (JobState.FAILED, JobState.INTERRUPTED):
        _note(context, entry.advance(JobState.FAILURE_REPORTED))


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
