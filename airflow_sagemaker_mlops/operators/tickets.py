"""Tickets of steps that wait for their turn and begin in a worker, see ``execution.admission``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .ends import xcom_of

KEY = "sagemaker_ticket"
ON_THEIR_WAY = frozenset({"deferred", "running"})
# A step that waits comes back to a worker now and then, and is no less on its way meanwhile.
COMING_BACK = frozenset({"scheduled", "queued"})


class WorkerTickets:
    """The tickets of one DAG run, in XComs; deleted where an attempt begins anew, kept where it goes on."""

    def __init__(self, ti: Any) -> None:
        self._ti = ti

    async def take(self) -> float:
        """This attempt's ticket."""
        ti = self._ti
        kept = ti.xcom_pull(task_ids=ti.task_id, key=KEY)
        if isinstance(kept, dict) and kept.get("try") == ti.try_number:
            return float(kept["time"])
        taken = time.time()
        ti.xcom_push(key=KEY, value={"try": ti.try_number, "time": taken})
        return taken

    async def others(self) -> Mapping[str, float]:
        """Tasks of the run that are on their way, without this one; 0 for one that takes no ticket."""
        ti = self._ti
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id) or {}
        found: dict[str, float] = {}
        for name, state in states.items():
            if name == ti.task_id or state not in ON_THEIR_WAY | COMING_BACK:
                continue
            kept = xcom_of(ti, name, KEY)
            if isinstance(kept, dict):
                found[name] = float(kept["time"])
            elif state in ON_THEIR_WAY:
                found[name] = 0.0
        return found
