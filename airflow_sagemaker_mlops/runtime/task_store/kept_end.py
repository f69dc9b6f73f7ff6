"""How a step ended, and why an attempt of it failed.  Only a worker stores these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...execution.secret_masking import mask
from ..task_states import REASON_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context

RESULT_KEY = "sagemaker_result"
LONGEST_REASON = 500  # characters; the step's own log has all of it


def save_failure_reason(context: Context, error: Exception) -> None:
    """Leave why this attempt has failed, for the status task, which names it."""
    ti = context["ti"]
    ti.xcom_push(key=REASON_KEY, value={"try": ti.try_number, "why": mask(str(error))[:LONGEST_REASON]})


class KeptEnd:
    """How a step ended, kept until its task has ended too.

    A task that deferred is sometimes retried though it was about to end (Airflow 3.3.2, when the executor's word on the
    deferral comes late).  Then the step must not run again; a user's clear raises ``max_tries`` and runs it anew.
    """

    def __init__(self, context: Context) -> None:
        ti = context["ti"]
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
