"""The queue of a run's waiting steps where only some may run at a time, see ``execution.concurrency``.

Each step's place is an XCom of its own, the ticket.  Airflow's task states say which other steps are on their way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..definition.step_types import SUPPORTED, WAITING, type_of_operator
from ..execution.concurrency import BEGUN
from ..plan.model import STATUS_TASK_ID
from .step_task import StepTask
from .task_states import instance_of, own_state_key, sibling_index
from .task_store.protocol import TaskStore

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

KEY = "sagemaker_ticket"
ON_THEIR_WAY = frozenset({"deferred", "running"})
# A step that waits comes back to a worker now and then, and is no less on its way meanwhile.
COMING_BACK = frozenset({"scheduled", "queued"})


def other_steps(ti: RuntimeTaskInstanceProtocol, states: Mapping[str, str], step: StepTask) -> dict[str, bool]:
    """Of the ``states`` in the run of ``ti``, which is ``step``, the other steps of its pipeline that are on their way,
    and whether each takes a ticket.

    Other tasks of the DAG are no steps: one of them may even wait for this step, which would wait for it.  Steps by
    hand are of no pipeline, and count all others.
    """
    tasks = ti.task.dag.task_dict
    prefix = ti.task_id.removesuffix(step.step) if step.step else ""
    by_hand = prefix + STATUS_TASK_ID not in tasks
    found: dict[str, bool] = {}
    for name, state in states.items():
        task_id, index = instance_of(ti, name)
        own = by_hand or (
            task_id.startswith(prefix)
            and "." not in task_id.removeprefix(prefix)
            and sibling_index(ti, task_id) in (None, index)  # in a mapped task group each instance is a pipeline
        )
        kind = type_of_operator(tasks[task_id].task_type) if task_id in tasks else ""
        is_step = name != own_state_key(ti) and own and (kind in SUPPORTED or task_id in step.foreign)
        with_ticket = kind in WAITING and (not by_hand or task_id == ti.task_id or _has_limit(tasks[task_id]))
        # One that comes back to a worker has taken its ticket before.
        if is_step and (state in ON_THEIR_WAY or (with_ticket and state in COMING_BACK)):
            found[name] = with_ticket
    return found


def _has_limit(operator: Any) -> bool:
    return bool(getattr(getattr(operator, "step", None), "max_parallel_steps", 0))


def time_of(kept: Any, *, with_ticket: bool) -> float | None:
    """What the ticket ``kept`` of another step says; ``None`` where its turn has not come or is over.

    A step without a ticket is behind all that have one: it may not even have been started.
    """
    if not isinstance(kept, dict) or kept.get("left"):
        return None if with_ticket else BEGUN
    return BEGUN if kept.get("begun") else float(kept["time"])


class TaskQueueSlots:
    """The queue of one DAG run, as the task ``ti`` sees them, which runs ``step``.

    XComs of a task that begins in the triggerer outlive its attempts, so a ticket names the attempt that took it.
    """

    def __init__(self, store: TaskStore, ti: RuntimeTaskInstanceProtocol, step: StepTask) -> None:
        self._store = store
        self._ti = ti
        self._step = step

    async def take(self) -> float:
        """This attempt's ticket; the same one after a restart."""
        kept = await self._store.get(KEY)
        if isinstance(kept, dict) and kept.get("try") == self._ti.try_number:
            return BEGUN if kept.get("begun") else float(kept["time"])
        taken = time.time()
        await self._keep(time=taken)
        return taken

    async def begin(self) -> None:
        """The step begins."""
        await self._keep(time=time.time(), begun=True)

    async def leave(self) -> None:
        """The step has ended.  Where its XComs stay when the task is cleared, they must not count before its turn."""
        await self._keep(time=time.time(), left=True)

    async def others(self) -> Mapping[str, float]:
        """Steps of the run that are on their way, without this one; ``BEGUN`` for one that takes no ticket."""
        found: dict[str, float] = {}
        for name, with_ticket in other_steps(self._ti, await self._store.task_states(), self._step).items():
            task_id, map_index = instance_of(self._ti, name)
            ticket = time_of(await self._store.get_from(task_id, KEY, map_index), with_ticket=with_ticket)
            if ticket is not None:
                found[name] = ticket
        return found

    async def _keep(self, **ticket: Any) -> None:
        await self._store.set(KEY, {"try": self._ti.try_number, **ticket})
