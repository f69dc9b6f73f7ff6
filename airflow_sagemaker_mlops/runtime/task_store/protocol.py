"""The interface of task stores, for workers and triggers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Protocol


class Space(Enum):
    """Where a value is stored, which determines who can read it and how long it lives."""

    XCOM = auto()
    """The task's XComs.  The step's trigger, other tasks and the API server can read them.  Airflow deletes them before
    every attempt that starts in a worker, and keeps them across retries and clears if the task starts in the triggerer
    (3.3.2)."""
    STATE = auto()
    """Airflow's task state store (3.3).  It survives retries and clears.  Only workers can use it."""


class TaskStore(Protocol):
    """Stores JSON values for one task instance.

    has_state   whether ``Space.STATE`` exists here; if not, it is empty and stores nothing
    """

    has_state: bool

    async def get(self, key: str, space: Space = Space.XCOM) -> Any:
        """The value stored under ``key``; ``None`` if there is none."""

    async def set(self, key: str, value: object, space: Space = Space.XCOM) -> None:
        """Store ``value`` under ``key`` in place of the earlier one."""

    async def get_from(self, task_id: str, key: str, map_index: int | None = None) -> Any:
        """An XCom of another task in this run; ``None`` if there is none."""

    async def task_states(self) -> Mapping[str, str]:
        """The states of all task instances in this run, by the keys of Airflow's ``get_task_states``."""
