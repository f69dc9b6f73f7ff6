"""Differences between Airflow versions; no other module checks a version.

3.4         earlier tries are in the table of task instances, hidden from queries that do not ask for them; XComs belong
            to a try; a clear discards the task state store, unless the user keeps it (3.4.0b2)
3.3         a task can start in the triggerer without a worker (``start_from_trigger``), triggers are notified of kills,
            and a task state store keeps the journal of a worker-side attempt across retries and clears
3.0 to 3.2  steps with jobs are submitted in a worker, which defers to the triggerer; after a clear or a crash the job
            is found by its derived name and its tags.  If a task resumes in a worker too early, the scheduler takes the
            exit of the deferred process for the task's end and has it retried; nothing tells the retry about a kept
            result
3.0         the extra of an asset event sent through an alias cannot have nested members: the task would fail.  The
            retry of a task that had deferred resumes with the last attempt's event, and keeps its XComs
"""

from __future__ import annotations

from typing import Any

from airflow import __version__

try:
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSkipException,
        DownstreamTasksSkipped,
        TaskDeferralTimeout,
        TaskDeferred,
        XComNotFound,
    )
except ImportError:  # before 3.2
    from airflow.exceptions import (  # type: ignore[no-redef,attr-defined]
        AirflowException,
        AirflowFailException,
        AirflowSkipException,
        DownstreamTasksSkipped,
        TaskDeferralTimeout,
        TaskDeferred,
        XComNotFound,
    )

__all__ = [
    "AIRFLOW",
    "ASKS_PEOPLE",
    "CLEARS_DISCARD_STATE",
    "NESTED_ALIAS_EXTRAS",
    "RETRIES_RESUME",
    "RETRY_DELAY_FACTORS",
    "SHORTEST_DEFERRAL_S",
    "STARTS_IN_TRIGGERER",
    "TELLS_TRIGGERS_OF_KILLS",
    "TRIES_IN_ONE_TABLE",
    "AirflowException",
    "AirflowFailException",
    "AirflowSkipException",
    "DownstreamTasksSkipped",
    "TaskDeferralTimeout",
    "TaskDeferred",
    "XComNotFound",
    "configuration",
]

AIRFLOW = tuple(int(part) for part in __version__.split(".")[:2])
STARTS_IN_TRIGGERER = AIRFLOW >= (3, 3)
TELLS_TRIGGERS_OF_KILLS = AIRFLOW >= (3, 3)
TRIES_IN_ONE_TABLE = AIRFLOW >= (3, 4)
CLEARS_DISCARD_STATE = AIRFLOW >= (3, 4)
NESTED_ALIAS_EXTRAS = AIRFLOW >= (3, 1)
ASKS_PEOPLE = AIRFLOW >= (3, 1)  # it has required actions, and the standard provider operators for them
RETRIES_RESUME = AIRFLOW < (3, 1)
# ``retry_exponential_backoff`` is a factor since 3.2, where ``True`` would mean 1; before, a flag for the factor 2.
RETRY_DELAY_FACTORS = AIRFLOW >= (3, 2)
# A worker that deferred lingers for about 5 s (3.0.6); the scheduler learns of its exit in its next loops.
SHORTEST_DEFERRAL_S = 0.0 if AIRFLOW >= (3, 3) else 10.0


def configuration() -> Any:
    """Airflow's configuration."""
    try:
        from airflow.sdk.configuration import conf
    except ImportError:  # before 3.2
        from airflow.configuration import conf
    return conf
