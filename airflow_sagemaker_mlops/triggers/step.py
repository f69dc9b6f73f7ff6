"""The trigger for a step with a job: submits it (or takes over what a worker submitted), waits, and ends the task.

If the scheduler started it without a worker, it runs the whole step and, on success, ends the task itself; failures are
sent to a worker, where retry policies, callbacks and listeners work as usual.

AWS is called in threads.  Airflow (XComs, connection, states) is called through ``ask``, because the channel to the
triggerer's supervisor belongs to the triggerer's event loop.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from ..airflow_versions import SHORTEST_DEFERRAL_S, TELLS_TRIGGERS_OF_KILLS
from ..execution import engine
from ..execution.concurrency import admitted
from ..execution.exceptions import StepFailed
from ..execution.job_state import JobState
from ..execution.journal import entry_from_json
from ..execution.recorder_protocol import run_recorded
from ..execution.retries import cause_of
from ..execution.scope import Scope
from ..execution.scope_values import execution_variables, s3_reader
from ..execution.step_run import StepResult, StepRun, Submitted
from ..runtime.context import identity_of, options_of, scope_of, step_result
from ..runtime.events import HandOver, StepEndedBadly, StepInterrupted, StepSucceeded, WorkerNeeded, to_payload
from ..runtime.parameter_values import group_of, needed_by, rendered_here
from ..runtime.queue import TaskQueueSlots
from ..runtime.recorder import recorder_of
from ..runtime.retry_budget import is_outage
from ..runtime.selective.conf import needs_worker
from ..runtime.step_task import StepTask
from ..runtime.stopping.in_trigger import EndedTrigger
from ..runtime.supervisor_calls import ask
from ..runtime.task_store.callback_inbox import TaskCallbackInbox
from ..runtime.task_store.journal import TaskJournal, generation_in_triggerer
from ..runtime.task_store.links import PublishedLinks
from ..runtime.task_store.notes import TaskNotes
from ..runtime.task_store.protocol import TaskStore
from ..runtime.task_store.trigger import OWNER, TriggerTaskStore
from ..xcom_keys import JOURNAL_KEY
from .clients import open_aws
from .wake_supervisor import wake_when_reported

if TYPE_CHECKING:
    from airflow.sdk import Context

_ENDING: set[asyncio.Future[None]] = set()  # an event loop keeps only weak references to its tasks


class StepTrigger(BaseTrigger):
    """Runs one step in the triggerer.

    :param task: ``StepTask.to_json()``
    :param handed_over: ``HandOver.to_json()``; ``None`` if the task started here
    :param finish_in: "triggerer" ends a successful task here; "worker" resumes it (outlets, asset events)
    :param parameters: in a selective run, parameter values from the source run, as resolved by a worker; ``None`` until
        a worker has been asked: only a worker has the definition, and knows whether the step is selected and why it
        runs again
    """

    def __init__(
        self,
        task: str,
        handed_over: Mapping[str, object] | None = None,
        finish_in: str = "triggerer",
        parameters: Mapping[str, object] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_text = task
        self.handed_over = HandOver.from_json(handed_over) if handed_over is not None else None
        self.finish_in = finish_in
        self.parameters = parameters
        self._run: StepRun | None = None
        self._submitted: Submitted | None = None
        self._slots: TaskQueueSlots | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, as Airflow stores them."""
        arguments: dict[str, Any] = {"task": self.task_text, "finish_in": self.finish_in}
        if self.handed_over is not None:
            arguments["handed_over"] = self.handed_over.to_json()
        if self.parameters is not None:
            arguments["parameters"] = dict(self.parameters)
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: the result, or the reason why there is none."""
        earliest = time.monotonic() + SHORTEST_DEFERRAL_S
        async for event in self._run_step():
            await asyncio.sleep(max(0.0, earliest - time.monotonic()))
            yield event

    async def _run_step(self) -> AsyncIterator[TriggerEvent]:
        try:
            context = await self._context()
            if self.parameters is None and (self._conf_needs_worker(context) or await self._asks_a_worker()):
                yield TriggerEvent(to_payload(WorkerNeeded()))
                return
            result = await self._result(context)
            ends_here = self.handed_over is None and self.finish_in == "triggerer"
            if ends_here:
                # TaskSuccessEvent(xcoms=...) would store the JSON text of the result as a string (Airflow 3.3.2).
                await self._store.set("return_value", result)
        except asyncio.CancelledError:
            if not TELLS_TRIGGERS_OF_KILLS:
                await self.on_kill()
            raise
        except StepFailed as error:
            # Retry policies of a step that started here were applied here; a worker restarts what it started.
            cause = cause_of(error) if self.handed_over is not None else ""
            failed = StepEndedBadly(str(error), cause, error.details, error.result, self._links.values)
            yield TriggerEvent(to_payload(failed))
            return
        except Exception as error:
            self.log.exception("the step could not be run to its end")
            await self._mark_interrupted()
            text = f"{type(error).__name__}: {error}"
            trace = "".join(traceback.format_exception(error))
            yield TriggerEvent(to_payload(StepInterrupted(text, trace, is_outage(error))))
            return
        if ends_here:
            wake_when_reported()
            yield TaskSuccessEvent()
        else:
            yield TriggerEvent(to_payload(StepSucceeded(result, self._links.values)))

    def _conf_needs_worker(self, context: Context) -> bool:
        """Whether a worker must interpret the run's conf for this step."""
        ti: Any = self.task_instance
        return bool(context) and needs_worker(context["dag_run"].conf, ti.task.dag)

    async def _asks_a_worker(self) -> bool:
        """Whether an earlier attempt ended without recording a reason: this may be a retry or a user's clear.

        Only a worker can tell which; another job is started only after a clear.
        """
        if self.handed_over is not None or self.task_instance is None or self.task_instance.try_number <= 1:
            return False
        entry = entry_from_json(await self._store.get(JOURNAL_KEY))
        if entry is None or entry.try_number == self.task_instance.try_number:
            return False
        return not entry.state.asks_for_another

    async def _mark_interrupted(self) -> None:
        """Record that the next attempt is a retry, not a user's request for another job."""
        entry = await self._run.journal.read() if self._run is not None else None
        if self._run is not None and entry is not None and entry.state.is_under_way:
            await self._run.journal.write(entry.advance(JobState.INTERRUPTED))

    async def _context(self) -> Context:
        """The run's context from Airflow; empty for a step that a worker started, which passed all that is needed."""
        ti: Any = self.task_instance
        context: Context = {} if self.handed_over is not None else await ask(ti.get_template_context)
        return context

    async def _result(self, context: Context) -> dict[str, Any]:
        task = StepTask.from_json(self.task_text)
        run = self._run = await self._step_run(task, context)
        handed = self.handed_over
        job = self._submitted = handed.submitted if handed is not None else None
        caching = job is None and await engine.is_first_attempt(run)
        recorder = await ask(recorder_of, task, run.identity, run.aws, caching=caching)

        async def work(run: StepRun) -> StepResult:
            if job is not None:
                return await engine.follow(run, job)
            if not task.max_parallel_steps or self.task_instance is None:
                return await engine.complete(run, self._note_submitted)
            slots = self._slots = TaskQueueSlots(self._store, self.task_instance, task)
            await admitted(run, slots, task.max_parallel_steps)
            try:
                result = await engine.complete(run, self._note_submitted)
            except StepFailed:
                await slots.leave()
                raise
            await slots.leave()
            return result

        start = None
        if handed is not None:
            await _mask(handed.secrets)
            start = recorder.resumed(handed.step_start) if recorder is not None and handed.step_start else None
        return await run_recorded(run, recorder, work, start)

    def _note_submitted(self, job: Submitted | None) -> None:
        self._submitted = job

    async def _step_run(self, task: StepTask, context: Context) -> StepRun:
        aws = await open_aws(task.connection)
        journal = TaskJournal(self._store)
        if self.handed_over is not None:
            identity = self.handed_over.identity
            # Without results of other steps: what a runner needs of them to wait, it puts into its job's facts.
            variables = execution_variables(identity, aws.region)
            scope = Scope(identity.step, self.handed_over.parameters, variables, {}, {}, s3_reader(aws))
        else:
            ti: Any = self.task_instance
            generation = await generation_in_triggerer(journal, ti.try_number)
            identity = identity_of(task, ti, context["dag_run"], generation)
            given = {**await self._given(task, context), **(self.parameters or {})}
            scope = scope_of(task, identity, aws, given, await self._upstream(task))
        return StepRun(
            spec=task.spec,
            step_type=task.type,
            identity=identity,
            scope=scope,
            aws=aws,
            log=self.log.info,
            publish=self._links.publish,
            mask=_mask,
            journal=journal,
            notes=TaskNotes(self._store),
            inbox=TaskCallbackInbox(self._store),
            options=options_of(task, aws),
        )

    async def _given(self, task: StepTask, context: Context) -> Mapping[str, Any]:
        """Values of the step's parameters in this run, except those inherited from a resumed run."""
        if not task.spec.parameters:
            return {}
        ti: Any = self.task_instance
        group = group_of(task, ti.task_id)
        rendered = await ask(rendered_here, ti, group)
        found: Mapping[str, Any] = needed_by(task, group, context["params"], rendered)
        return found

    async def _upstream(self, task: StepTask) -> dict[str, Any]:
        results = {step: await self._store.get_from(task_id, "return_value") for step, task_id in task.reads.items()}
        return {step: step_result(result) for step, result in results.items()}

    @cached_property
    def _links(self) -> PublishedLinks:
        return PublishedLinks(self._store, self.handed_over.published if self.handed_over is not None else {})

    @cached_property
    def _store(self) -> TaskStore:
        """The store of the task instance; with ``dag.test()``, which sets none, that of the worker that handed over."""
        ti: Any = self.task_instance
        owner = self.handed_over.identity if ti is None and self.handed_over is not None else ti
        return TriggerTaskStore({key: getattr(owner, key) for key in OWNER})

    async def on_kill(self) -> None:
        """Stop the step's job, because a user ended the task, unless the trigger is only moving to another triggerer.

        Airflow 3.3.2 cancels this about once a second until it ends, and does not call it again, but the first call to
        Airflow alone may take longer.  So the work runs in a separate task, which continues.
        """
        work = asyncio.ensure_future(self._end_job())
        _ENDING.add(work)
        work.add_done_callback(_ENDING.discard)
        await asyncio.shield(work)

    async def _end_job(self) -> None:
        if self._run is not None:
            ti: Any = self.task_instance
            await EndedTrigger(self._run, self._submitted, self._store, ti, self._slots).stop_job()


async def _mask(secrets: Sequence[str]) -> None:
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:  # before 3.3
        from airflow.sdk.log import mask_secret

        for secret in secrets:
            await ask(mask_secret, secret)
    else:
        for secret in secrets:
            await amask_secret(secret)
