"""Tickets of steps that wait for their turn: an XCom of each, and Airflow's word on which tasks are on their way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..operators.ends import instance_of
from ..operators.task import StepTask
from ..operators.tickets import KEY, ON_THEIR_WAY, steps_beside
from .ask import ask
from .xcoms import OwnXComs


class XComTickets:
    """The tickets of one DAG run."""

    def __init__(self, trigger: OwnXComs, step: StepTask) -> None:
        self._trigger = trigger
        self._step = step

    async def take(self) -> float:
        """This attempt's ticket; the same one after a restart."""
        ti: Any = self._trigger.task_instance
        attempt = ti.try_number
        kept = await self._trigger.get_xcom(KEY)
        if isinstance(kept, dict) and kept.get("try") == attempt:
            return float(kept["time"])
        taken = time.time()
        await self._trigger.set_xcom(KEY, {"try": attempt, "time": taken})
        return taken

    async def others(self) -> Mapping[str, float]:
        """Tasks of the run that are deferred or run, without this one; 0 for one that takes no ticket."""
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        ti: Any = self._trigger.task_instance
        states = await ask(RuntimeTaskInstance.get_task_states, dag_id=ti.dag_id, run_ids=[ti.run_id])
        beside = steps_beside(ti, states.get(ti.run_id) or {}, self._step)
        found: dict[str, float] = {}
        for name in (name for name, state in beside.items() if state in ON_THEIR_WAY):
            task_id, map_index = instance_of(ti, name)
            kept = await self._trigger.get_xcom(KEY, task_id, map_index)
            found[name] = float(kept["time"]) if isinstance(kept, dict) else 0.0
        return found
