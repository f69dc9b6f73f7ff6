"""Defers a task that waits for steps to end, without occupying a worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

CHECK_AGAIN_AFTER = timedelta(seconds=10)


def pause() -> Any:
    """The trigger for a pause."""
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

    return TimeDeltaTrigger(CHECK_AGAIN_AFTER)
