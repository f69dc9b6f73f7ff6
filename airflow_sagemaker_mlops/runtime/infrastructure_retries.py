"""Retries after infrastructure failures: a worker was killed, or Airflow could not be reached.

The scheduler counts all attempts, even those that never reached a worker, and computes their delays from the serialized
DAG (Airflow 3.3.2).  So a time budget is expressed as a number of attempts with growing delays: the first retry comes
after 10 to 20 s, which suits one killed worker, and the last one at least half an hour after the first failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..airflow_versions import RETRY_DELAY_FACTORS

FIRST_DELAY = timedelta(seconds=10)  # Airflow waits one to two times as long
GROWTH = 1.25  # after an outage, the next retry comes within about a fifth of the outage's length
LONGEST_DELAY = timedelta(minutes=2)  # if delays double
# Airflow keeps counting after a clear (3.3.2): without a limit, delays after a long outage would be hours.
LONGEST_GROWN_DELAY = timedelta(seconds=450)  # the last delay of a task that was not cleared
OUTAGE_S = 1800.0  # the time budget
INFRASTRUCTURE_RETRIES = 18  # their minimum delays exceed OUTAGE_S
FEW_RETRIES = 5  # with doubling delays: 10, 20, 40, 80 and 120 s at least
MAX_ERRORS = 5  # attempts that fail although Airflow and AWS respond


def a_few_retries() -> dict[str, Any]:
    """Airflow's retry arguments of a task that a person starts or that runs often: over within about five minutes."""
    return {**_arguments(FIRST_DELAY), "retries": FEW_RETRIES}


def outlast_outages(kwargs: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Add Airflow's retry arguments to ``kwargs`` that the user has not set; does nothing if ``retries`` is set.

    :param given: the user's arguments, including default arguments
    """
    if "retries" in given:
        return
    ours = _arguments(given["retry_delay"]) if "retry_delay" in given else _WITHOUT_DELAY
    for name, value in ours.items():
        if name not in given:
            kwargs[name] = value


def _arguments(first: timedelta | float) -> dict[str, Any]:
    """The arguments for a first delay of ``first``, a duration or seconds, with doubling delays."""
    longest = max(LONGEST_DELAY, first if isinstance(first, timedelta) else timedelta(seconds=float(first)))
    return {
        "retries": INFRASTRUCTURE_RETRIES,
        "retry_delay": first,
        "retry_exponential_backoff": 2.0 if RETRY_DELAY_FACTORS else True,
        "max_retry_delay": longest,
    }


_WITHOUT_DELAY = _arguments(FIRST_DELAY)  # created once, not for each task
if RETRY_DELAY_FACTORS:
    _WITHOUT_DELAY |= {"retry_exponential_backoff": GROWTH, "max_retry_delay": LONGEST_GROWN_DELAY}
