"""Stops the job of a trigger that Airflow has ended, unless its step only moved to another triggerer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...airflow_versions import TELLS_TRIGGERS_OF_KILLS
from ...execution import engine
from ...execution.job_state import JobState
from ...execution.journal import Entry, entry_from_json
from ...execution.step_run import StepRun, Submitted
from ...xcom_keys import JOURNAL_KEY
from ..queue import TaskQueueSlots
from ..retry_budget import is_refusal
from ..supervisor_calls import ask
from ..task_states import own_state_key
from ..task_store.protocol import TaskStore

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

NOTE_S = 10.0  # how long a stop waits until it is recorded


@dataclass(frozen=True, slots=True)
class EndedTrigger:
    """A trigger that Airflow has ended.

    run         its step
    submitted   the job that it awaited; ``None`` while it was submitting one
    store       of its task instance ``ti``
    slots       its place in the run's queue, if it took one
    """

    run: StepRun
    submitted: Submitted | None
    store: TaskStore
    ti: RuntimeTaskInstanceProtocol
    slots: TaskQueueSlots | None

    async def stop_job(self) -> None:
        """Stop the job, unless another triggerer has it.

        Airflow 3.3.0 to 3.3.2 also calls ``on_kill`` when a live triggerer loses its triggers to another one.  Then the
        task is still deferred in the same attempt, and its journal still names this job.
        """
        entry = await self._own_entry()
        if entry is None:
            return
        if await self._goes_on_elsewhere(entry.name):
            self.run.log(f"another triggerer has this step now: {entry.name} keeps running")
            return
        try:
            await asyncio.wait_for(self._note_stop(entry), NOTE_S)
        except Exception as error:  # the run may have been deleted, but its job still costs money
            self.run.log(f"{entry.name} was stopped, but that could not be recorded in Airflow: {error}")
        if self.submitted is not None:
            await engine.stop(self.run, entry.name, entry.handle)
        else:
            await engine.stop_when_visible(self.run, entry.name, entry.handle)

    async def _own_entry(self) -> Entry | None:
        """The job that this attempt created, or was creating when interrupted: the call continues in its thread."""
        identity, job = self.run.identity, self.submitted
        if job is not None:
            return Entry(job.name, job.ordinal, identity.try_number, identity.generation, JobState.RUNNING, job.handle)
        entry = await self.run.journal.read()
        ours = entry is not None and entry.try_number == identity.try_number and entry.state.is_under_way
        return entry if ours else None

    async def _goes_on_elsewhere(self, name: str) -> bool:
        """Whether Airflow confirms that another triggerer has this step.

        If Airflow refuses to answer (the run was deleted), or cannot be reached for ``OUTAGE_S``, the job is stopped,
        because this is only called when the trigger is no longer ours.
        """
        try:
            return await self._handed_to_another(name)
        except Exception as error:
            if not (TELLS_TRIGGERS_OF_KILLS or is_refusal(error)):
                raise  # a triggerer also cancels its triggers when it shuts down
            self.run.log(f"Airflow does not say which attempt has {name}: {error}")
            return False

    async def _handed_to_another(self, name: str) -> bool:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        ti = self.ti
        states = await ask(
            RuntimeTaskInstance.get_task_states,
            dag_id=ti.dag_id,
            map_index=ti.map_index,
            task_ids=[ti.task_id],
            run_ids=[ti.run_id],
        )
        state = (states.get(ti.run_id) or {}).get(own_state_key(ti))
        if state != "deferred":
            return False
        entry = entry_from_json(await self.store.get(JOURNAL_KEY))
        return entry is not None and entry.name == name and entry.try_number == ti.try_number

    async def _note_stop(self, entry: Entry) -> None:
        kept = entry_from_json(await self.store.get(JOURNAL_KEY))
        if kept is None or kept.try_number == entry.try_number:  # otherwise the next attempt has already started
            await self.run.journal.write(entry.advance(JobState.STOP_REQUESTED))
            if self.slots is not None:
                await self.slots.leave()
