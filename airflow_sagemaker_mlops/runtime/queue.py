"""The queue of a run's waiting steps if only some may run at once; see ``execution.concurrency``.

Each step's place is an XCom, its ticket.  Airflow's task states show which other steps are in progress.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..definition.step_types import SUPPORTED, WAITING, type_of_operator
from ..execution.concurrency import BEGUN
from ..plan.model import STATUS_TASK_ID
from ..xcom_keys import TICKET_KEY
from .step_task import StepTask
from .task_states import instance_of, own_state_key, sibling_index
from .task_store.protocol import TaskStore

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

ON_THEIR_WAY = frozenset({"deferred", "running"})
# A waiting step returns to a worker from time to time and still counts as in progress.
COMING_BACK = frozenset({"scheduled", "queued"})


def other_steps(ti: RuntimeTaskInstanceProtocol, states: Mapping[str, str], step: StepTask) -> dict[str, bool]:
    """The other steps of the pipeline of ``step`` that are in progress in the run of ``ti``, by ``states``, and
    whether each takes a ticket.

    Other tasks of the DAG are not steps: one of them may even wait for this step, which would then wait for it.  Steps
    without a definition belong to no pipeline, and count all others.
    """
    tasks = ti.task.dag.task_dict
    prefix = ti.task_id.removesuffix(step.step) if step.step else ""
    is_standalone = prefix + STATUS_TASK_ID not in tasks
    found: dict[str, bool] = {}
    for name, state in states.items():
        task_id, index = instance_of(ti, name)
        own = is_standalone or (
            task_id.startswith(prefix)
            and "." not in task_id.removeprefix(prefix)
            and sibling_index(ti, task_id) in (None, index)  # in a mapped task group, each instance is a pipeline
        )
        kind = type_of_operator(tasks[task_id].task_type) if task_id in tasks else ""
        is_step = name != own_state_key(ti) and own and (kind in SUPPORTED or task_id in step.foreign)
        with_ticket = kind in WAITING and (not is_standalone or task_id == ti.task_id or _has_limit(tasks[task_id]))
        # A step that returns to a worker already has its ticket.
        if is_step and (state in ON_THEIR_WAY or (with_ticket and state in COMING_BACK)):
            found[name] = with_ticket
    return found


def _has_limit(operator: object) -> bool:
    return bool(getattr(getattr(operator, "step", None), "max_parallel_steps", 0))


def time_of(kept: object, *, with_ticket: bool) -> float | None:
    """The time of another step's ticket ``kept``; ``None`` if its turn has not come or is over.

    A step without a ticket comes after all that have one: it may not even have started.
    """
    if not isinstance(kept, dict) or kept.get("left"):
        return None if with_ticket else BEGUN
    return BEGUN if kept.get("begun") else float(kept["time"])


class TaskQueueSlots:
    """The queue of one DAG run, as seen by the task ``ti``, which runs ``step``.

    XComs of a task that starts in the triggerer survive its attempts, so a ticket names its attempt.
    """

    def __init__(self, store: TaskStore, ti: RuntimeTaskInstanceProtocol, step: StepTask) -> None:
        self._store = store
        self._ti = ti
        self._step = step

    async def take(self) -> float:
        """This attempt's ticket; the same one after a restart."""
        kept = await self._store.get(TICKET_KEY)
        if isinstance(kept, dict) and kept.get("try") == self._ti.try_number:
            return BEGUN if kept.get("begun") else float(kept["time"])
        taken = time.time()
        await self._keep(time=taken)
        return taken

    async def begin(self) -> None:
        """Mark the step as started."""
        await self._keep(time=time.time(), begun=True)

    async def leave(self) -> None:
        """Mark the step as ended, because XComs that survive a clear must not count before its next turn."""
        await self._keep(time=time.time(), left=True)

    async def others(self) -> Mapping[str, float]:
        """The other steps of the run in progress; ``BEGUN`` for steps without tickets."""
        found: dict[str, float] = {}
        for name, with_ticket in other_steps(self._ti, await self._store.task_states(), self._step).items():
            task_id, map_index = instance_of(self._ti, name)
            ticket = time_of(await self._store.get_from(task_id, TICKET_KEY, map_index), with_ticket=with_ticket)
            if ticket is not None:
                found[name] = ticket
        return found

    async def _keep(self, **ticket: Any) -> None:
        await self._store.set(TICKET_KEY, {"try": self._ti.try_number, **ticket})
