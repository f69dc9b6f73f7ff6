"""Tickets of steps that wait for their turn: an XCom of each, and Airflow's word on which tasks are on their way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...execution.concurrency import BEGUN
from ...triggers.supervisor_calls import ask
from ..step_task import StepTask
from ..task_states import instance_of
from ..task_store.trigger import OwnXComs
from .worker import KEY, steps_beside, time_of


class XComTickets:
    """The tickets of one DAG run."""

    def __init__(self, trigger: OwnXComs, step: StepTask) -> None:
        self._trigger = trigger
        self._step = step

    async def take(self) -> float:
        """This attempt's ticket; the same one after a restart."""
        kept = await self._trigger.get_xcom(KEY)
        if isinstance(kept, dict) and kept.get("try") == self._attempt:
            return BEGUN if kept.get("begun") else float(kept["time"])
        taken = time.time()
        await self._keep(time=taken)
        return taken

    async def begin(self) -> None:
        """The step begins."""
        await self._keep(time=time.time(), begun=True)

    async def leave(self) -> None:
        """The step has ended: these XComs stay when its task is cleared, and must not count before its turn comes."""
        await self._keep(time=time.time(), left=True)

    async def others(self) -> Mapping[str, float]:
        """Steps of the run that are on their way, without this one; ``BEGUN`` for one that takes no ticket."""
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        ti: Any = self._trigger.task_instance
        states = await ask(RuntimeTaskInstance.get_task_states, dag_id=ti.dag_id, run_ids=[ti.run_id])
        beside = steps_beside(ti, states.get(ti.run_id) or {}, self._step)
        found: dict[str, float] = {}
        for name, with_ticket in beside.items():
            task_id, map_index = instance_of(ti, name)
            ticket = time_of(await self._trigger.get_xcom(KEY, task_id, map_index), with_ticket=with_ticket)
            if ticket is not None:
                found[name] = ticket
        return found

    @property
    def _attempt(self) -> int:
        ti: Any = self._trigger.task_instance
        return int(ti.try_number)

    async def _keep(self, **ticket: Any) -> None:
        await self._trigger.set_xcom(KEY, {"try": self._attempt, **ticket})
