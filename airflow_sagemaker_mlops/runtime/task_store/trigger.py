"""The task store of a trigger: XComs, over the channel to the triggerer's supervisor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ...task_log import absence_expected
from ..supervisor_calls import ask
from .protocol import Space

OWNER = ("dag_id", "run_id", "task_id", "map_index")


class TriggerTaskStore:
    """XComs of the task instance ``owner``, a mapping with the keys ``OWNER``."""

    has_state = False

    def __init__(self, owner: Mapping[str, Any]) -> None:
        self._owner = {key: owner[key] for key in OWNER}

    async def get(self, key: str, space: Space = Space.XCOM) -> Any:
        """The value stored under ``key``; ``None`` if there is none."""
        return await self._get(key) if space is Space.XCOM else None

    async def set(self, key: str, value: object, space: Space = Space.XCOM) -> None:
        """Store ``value`` under ``key`` in place of the earlier one, while the task is deferred."""
        if space is not Space.XCOM:
            return
        from airflow.sdk.execution_time.xcom import XCom

        with suppress(ImportError):  # Airflow 3.0's dag.test() runs triggers without a supervisor
            await ask(XCom.set, key=key, value=value, **self._owner)

    async def get_from(self, task_id: str, key: str, map_index: int | None = None) -> Any:
        """An XCom of another task in this run; ``None`` if there is none."""
        return await self._get(key, task_id=task_id, map_index=map_index)

    async def task_states(self) -> Mapping[str, str]:
        """The states of all task instances in this run, by the keys of Airflow's ``get_task_states``."""
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        dag_id, run_id = self._owner["dag_id"], self._owner["run_id"]
        states = await ask(RuntimeTaskInstance.get_task_states, dag_id=dag_id, run_ids=[run_id])
        return states.get(run_id) or {}

    async def _get(self, key: str, **other: Any) -> Any:
        from airflow.sdk.execution_time.xcom import XCom

        with suppress(ImportError), absence_expected():  # as in :meth:`set`
            return await ask(XCom.get_one, key=key, **{**self._owner, **other})
        return None
