"""What a worker and a trigger can both do with the values that a task stores."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Protocol


class Space(Enum):
    """Where a value is stored, which decides who sees it and how long it lives."""

    XCOM = auto()
    """The task's XComs.  The step's trigger, other tasks and the API server see them.  Airflow deletes them before
    every attempt that begins in a worker, and keeps them over retries and clears where the task begins in the triggerer
    (3.3.2)."""
    STATE = auto()
    """Airflow's task state store (3.3).  It outlives retries and clears.  Only a worker has it."""


class TaskStore(Protocol):
    """Stores JSON values for one task instance.

    has_state   whether ``Space.STATE`` exists here; where it does not, it holds nothing and stores nothing
    """

    has_state: bool

    async def get(self, key: str, space: Space = Space.XCOM) -> Any:
        """The value stored under ``key``; ``None`` when there is none."""

    async def set(self, key: str, value: Any, space: Space = Space.XCOM) -> None:
        """Store ``value`` under ``key`` in place of the earlier one."""

    async def get_from(self, task_id: str, key: str, map_index: int | None = None) -> Any:
        """An XCom of another task in this run; ``None`` when there is none."""

    async def task_states(self) -> Mapping[str, str]:
        """The states of all task instances in this run, by the keys of Airflow's ``get_task_states``."""
