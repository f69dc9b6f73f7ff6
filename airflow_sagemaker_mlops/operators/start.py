"""Airflow's ``StartTriggerArgs`` by its shape: importing the original costs a DAG file dozens of modules (3.3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class StartInTriggerer:
    """Start a task in the triggerer, without any worker."""

    trigger_cls: str
    trigger_kwargs: dict[str, Any]
    next_method: str = "execute_complete"
    next_kwargs: dict[str, Any] | None = None
    timeout: timedelta | None = None
