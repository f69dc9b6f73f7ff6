"""Retries after mishaps: a worker was killed, or Airflow could not be reached.

The scheduler counts attempts, also those that never reached a worker, and computes their delays from the serialized DAG
(Airflow 3.3.2).  So a budget in time is written as a number of attempts with delays that grow: the first retry comes
after 10 to 20 s, which suits one killed worker, and the last one no sooner than half an hour after the first failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..airflow_versions import RETRY_DELAY_FACTORS

FIRST_DELAY = timedelta(seconds=10)  # Airflow waits once to twice as long
GROWTH = 1.25  # a retry comes no later after the end of an outage than about a fifth of the outage's length
LONGEST_DELAY = timedelta(minutes=2)  # where a delay doubles at every attempt
# Airflow counts on after a clear (3.3.2): without a limit, delays of a task that outlasted an outage would be hours.
LONGEST_GROWN_DELAY = timedelta(seconds=450)  # the last one of a task that was not cleared
OUTAGE_S = 1800.0  # the budget in time
INFRASTRUCTURE_RETRIES = 18  # their delays exceed OUTAGE_S even where Airflow waits the shortest
MOST_ERRORS = 5  # attempts of code that fails though everybody answers


def outlast_outages(kwargs: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Add those of Airflow's retry arguments to ``kwargs`` that the user has not set; nothing where ``retries`` is set.

    :param given: what the user has set, here or as default arguments
    """
    if "retries" in given:
        return
    ours = _arguments(given["retry_delay"]) if "retry_delay" in given else _WITHOUT_DELAY
    for name, value in ours.items():
        if name not in given:
            kwargs[name] = value


def _arguments(first: Any) -> dict[str, Any]:
    """The arguments where the first retry comes after ``first``, a duration or seconds, and delays double."""
    longest = max(LONGEST_DELAY, first if isinstance(first, timedelta) else timedelta(seconds=float(first)))
    return {
        "retries": INFRASTRUCTURE_RETRIES,
        "retry_delay": first,
        "retry_exponential_backoff": 2.0 if RETRY_DELAY_FACTORS else True,
        "max_retry_delay": longest,
    }


_WITHOUT_DELAY = _arguments(FIRST_DELAY)  # made once, not for each task
if RETRY_DELAY_FACTORS:
    _WITHOUT_DELAY |= {"retry_exponential_backoff": GROWTH, "max_retry_delay": LONGEST_GROWN_DELAY}
