"""The task store of a worker: XComs of the running task, and Airflow's task state store (3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..task_states import own_xcom, xcom_of
from .protocol import Space

if TYPE_CHECKING:
    from airflow.sdk import Context


class WorkerTaskStore:
    """XComs of the running task, and its state store if Airflow has one."""

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]
        self._state: Any = dict(context).get("task_state_store")
        self.has_state = self._state is not None

    async def get(self, key: str, space: Space = Space.XCOM) -> Any:
        """The value stored under ``key``; ``None`` if there is none."""
        if space is Space.XCOM:
            return own_xcom(self._ti, key)
        return self._state.get(key, None) if self.has_state else None

    async def set(self, key: str, value: object, space: Space = Space.XCOM) -> None:
        """Store ``value`` under ``key`` in place of the earlier one."""
        if space is Space.XCOM:
            self._ti.xcom_push(key=key, value=value)
        elif self.has_state:
            self._state.set(key, value)

    async def get_from(self, task_id: str, key: str, map_index: int | None = None) -> Any:
        """An XCom of another task in this run; ``None`` if there is none."""
        return xcom_of(self._ti, task_id, key, map_index)

    async def task_states(self) -> Mapping[str, str]:
        """The states of all task instances in this run, by the keys of Airflow's ``get_task_states``."""
        dag_id, run_id = self._ti.dag_id, self._ti.run_id
        return self._ti.get_task_states(dag_id=dag_id, run_ids=[run_id]).get(run_id) or {}
