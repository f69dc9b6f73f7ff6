"""Stores how a step ended, and why an attempt failed.  Only workers store these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...execution.secret_masking import mask
from ...xcom_keys import REASON_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context

RESULT_KEY = "sagemaker_result"  # in the task state store
LONGEST_REASON = 500  # characters; the step's own log has all of it


def save_failure_reason(context: Context, error: Exception) -> None:
    """Store why this attempt failed, for the status task's report."""
    ti = context["ti"]
    ti.xcom_push(key=REASON_KEY, value={"try": ti.try_number, "why": mask(str(error))[:LONGEST_REASON]})


class StoredEnd:
    """The stored end of a step, until its task has ended, too.

    A deferred task is sometimes retried although it was about to end (Airflow 3.3.2, if the executor reports the
    deferral late).  Then the step must not run again; a user's clear raises ``max_tries`` and runs it again.
    """

    def __init__(self, context: Context) -> None:
        ti = context["ti"]
        self._store: Any = dict(context).get("task_state_store")
        self._generation = f"m{ti.max_tries}"

    def read(self) -> Mapping[str, Any]:
        """The values stored by :meth:`save` in this generation, or empty."""
        kept = self._store.get(RESULT_KEY, None) if self._store is not None else None
        return kept if isinstance(kept, dict) and kept.get("generation") == self._generation else {}

    def save(self, **end: Any) -> None:
        """Store ``result``, or ``failure`` (why) and ``left`` (a failed step's result), if Airflow has a state store.

        Also stores ``published``, the XComs for people, because Airflow deletes a task's XComs on a retry.
        """
        if self._store is not None:
            self._store.set(RESULT_KEY, {"generation": self._generation, **end})
