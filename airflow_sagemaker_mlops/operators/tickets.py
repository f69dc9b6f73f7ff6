"""Tickets of steps that wait for their turn and begin in a worker, see ``execution.admission``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..plan.model import VERDICT_TASK_ID
from .ends import instance_of, own_state_key, own_xcom, xcom_of

KEY = "sagemaker_ticket"
ON_THEIR_WAY = frozenset({"deferred", "running"})
# A step that waits comes back to a worker now and then, and is no less on its way meanwhile.
COMING_BACK = frozenset({"scheduled", "queued"})


def steps_beside(ti: Any, states: Mapping[str, str], step: str) -> dict[str, str]:
    """Of the ``states`` in the run of ``ti`` those of the other steps of its pipeline.

    step   name of the step, where the task id has a prefix before it

    Other tasks of the DAG are no steps: one of them may even wait for this step, which would wait for it.  The verdict
    stands behind all steps; steps by hand have none, and count whatever runs.
    """
    prefix = ti.task_id.removesuffix(step) if step else ""
    verdict = ti.task.dag.task_dict.get(prefix + VERDICT_TASK_ID)
    return {
        name: state
        for name, state in states.items()
        if name != own_state_key(ti) and (verdict is None or name in verdict.upstream_task_ids)
    }


class WorkerTickets:
    """The tickets of one DAG run, in XComs; deleted where an attempt begins anew, kept where it goes on."""

    def __init__(self, ti: Any, step: str) -> None:
        self._ti = ti
        self._step = step

    async def take(self) -> float:
        """This attempt's ticket."""
        ti = self._ti
        kept = own_xcom(ti, KEY)
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
        for name, state in steps_beside(ti, states, self._step).items():
            if state not in ON_THEIR_WAY | COMING_BACK:
                continue
            task_id, map_index = instance_of(ti, name)
            kept = xcom_of(ti, task_id, KEY, map_index)
            if isinstance(kept, dict):
                found[name] = float(kept["time"])
            elif state in ON_THEIR_WAY:
                found[name] = 0.0
        return found
