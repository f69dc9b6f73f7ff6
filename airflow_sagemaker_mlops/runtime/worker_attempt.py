"""One attempt of a step in a worker: submits, runs, records and stops.  ``base`` reports to Airflow.

Imported where a step runs, never by a DAG file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..execution.engine import (
    is_first_attempt,
    stop,
    stop_current,
    submit,
)
from ..execution.recorder_protocol import run_recorded
from ..execution.step_run import StepRun
from ..hooks.aws import aws_for
from ..xcom_keys import REQUEST_KEY
from .context import identity_of, options_of, scope_of, step_result
from .events import HandOver, StepSucceeded
from .parameter_values import group_of, needed_by, rendered_here
from .recorder import recorder_of
from .step_task import StepTask
from .task_states import sibling_result
from .task_store.callback_inbox import TaskCallbackInbox
from .task_store.journal import TaskJournal
from .task_store.links import PublishedLinks
from .task_store.notes import TaskNotes
from .task_store.worker import WorkerTaskStore

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ..execution.runners.approval import Answer, Question
    from ..records.capture.recorder import Recorder
    from ..records.capture.step_start import StepStart
    from ..records.reuse.source_run import ReusingRecorder
    from .selective.step import StepSelection
    from .task_store.protocol import TaskStore

TURN_AGAIN = timedelta(seconds=10)  # until a step that waits for its turn returns to a worker

MAX_HANDED_OVER = 4_096  # characters of a shown request; a longer one is not shown again after a needless retry


@dataclass(slots=True)
class WorkerAttempt:
    """The work of the task in ``context`` on ``step`` in this process.

    selection   what a selective run does with the step; ``None`` if the whole pipeline runs
    log         writes a line to the task log
    killed      whether Airflow has called ``on_kill``, after which the task's code may run on for some seconds
    """

    step: StepTask
    context: Context
    selection: StepSelection | None
    log: Callable[..., None]
    killed: Callable[[], bool]
    _live: StepRun | None = field(default=None, init=False)
    _secrets: Sequence[str] = field(default=(), init=False)
    _store: TaskStore = field(init=False)
    _links: PublishedLinks = field(init=False)

    def __post_init__(self) -> None:
        self._store = WorkerTaskStore(self.context)
        self._links = PublishedLinks(self._store, {})

    @property
    def upstream_results(self) -> Mapping[str, Mapping[str, Any]]:
        """Results of the steps that this one read, by name; empty before it started."""
        return self._live.scope.steps if self._live is not None else {}

    async def run_at_once(self) -> dict[str, Any]:
        """Run the step to its end in this process; returns its result."""
        run = self._live = self._step_run()
        return await run_recorded(run, await self._recorder(run))

    async def question(self) -> Question | None:
        """What an x-approval step asks people; ``None`` if it has been answered, here, in the registry or by a stub."""
        from ..execution.runners.approval import has_answer, question_of
        from ..execution.stubs.run import declared_for

        run = self._live = self._step_run()
        if declared_for(run) is not None:
            return None
        question = await question_of(run)
        return None if question.is_decided or await has_answer(run) else question

    async def answered(self, answer: Answer) -> dict[str, Any]:
        """The result of an x-approval step that a person has answered."""
        from ..execution.runners.approval import save_answer

        run = self._live = self._step_run()
        await save_answer(run, answer)
        return await run_recorded(run, await self._recorder(run))

    async def reuse(self, selection: StepSelection) -> dict[str, Any]:
        """Record a reused step and return its earlier result."""
        run = self._step_run()
        recorder = await self._recorder(run)
        return selection.earlier_result if recorder is None else await run_recorded(run, recorder)

    async def submit(self) -> HandOver | StepSucceeded | timedelta:
        """Submit the step; returns the data for the triggerer.

        Or a delay before the next attempt, by the retry policies; or the result, if an earlier run has it.
        Raises :class:`StepFailed` also if the task was ended meanwhile; the job is then stopped.
        """
        from ..execution.exceptions import StepFailed
        from ..execution.retries import Retries

        run = self._live = self._step_run()
        if self.killed():
            raise StepFailed("the task was ended before its job was created")
        if await self._must_wait(run):
            return TURN_AGAIN
        start = await self._begin_record(run)
        if start is not None and start.result is not None:
            return StepSucceeded(dict(start.result))
        try:
            job = await submit(run)
        except Exception as error:
            pause = await (await Retries.of(run)).pause_after(error)
            if pause is None:
                raise
            return timedelta(seconds=pause)
        if self.killed():
            await stop(run, job.name, job.handle)
            raise StepFailed(f"the task was ended while {job.name} was being created; the job was stopped")
        # MySQL stores at most 65,535 bytes of a trigger's encrypted arguments, which include the step itself.
        published = {
            key: value
            for key, value in self._links.values.items()
            if key != REQUEST_KEY or len(json.dumps(value)) <= MAX_HANDED_OVER
        }
        step_start = start.as_json() if start is not None else None
        return HandOver(run.identity, job, step_start, list(self._secrets), published, run.scope.parameters)

    async def pause_for(self, cause: str, words: str) -> timedelta | None:
        """The delay before a failed step's next job, by its retry policies; ``None`` if it has failed for good."""
        from ..execution.retries import Retries

        pause = await (await Retries.of(self._step_run())).pause_for(cause, words)
        return None if pause is None else timedelta(seconds=pause)

    async def stop_overdue(self) -> str:
        """Stop the job of this attempt, wherever it was started; returns its name, empty if nothing is running."""
        from .stopping.on_timeout import stop_overdue

        return await stop_overdue(self._step_run(), self.context["ti"])

    @property
    def may_leave_a_job(self) -> bool:
        """Whether there may be something to stop."""
        return self._live is not None and self._live.entry.waits

    async def stop(self) -> None:
        """Stop what this process started."""
        if self._live is not None:
            await stop_current(self._live)

    async def _must_wait(self, run: StepRun) -> bool:
        """Whether the limit of parallel steps has been reached."""
        limit = self.step.max_parallel_steps
        if not limit:
            return False
        from ..execution.concurrency import ahead_of, waiting_for
        from .queue import TaskQueueSlots

        ahead = await ahead_of(run, TaskQueueSlots(self._store, self.context["ti"], self.step), limit)
        if ahead:
            run.log(waiting_for(ahead, limit))
        return bool(ahead)

    async def _begin_record(self, run: StepRun) -> StepStart | None:
        """Start recording before the step is submitted; records the end as well if a result is available."""
        recorder = await self._recorder(run)
        if recorder is None:
            return None
        start = await recorder.begin(run)
        if start.result is not None:
            await recorder.end(run, start, status="Succeeded", result=dict(start.result))
        return start

    async def _recorder(self, run: StepRun) -> Recorder | ReusingRecorder | None:
        recorder = recorder_of(self.step, run.identity, run.aws, caching=await is_first_attempt(run))
        return recorder if self.selection is None or recorder is None else self.selection.recorder(recorder)

    def _step_run(self) -> StepRun:
        context, ti = self.context, self.context["ti"]
        aws = aws_for(self.step.connection)
        identity = identity_of(self.step, ti, context["dag_run"], generation=f"m{ti.max_tries}")
        upstream = {step: step_result(sibling_result(ti, task_id)) for step, task_id in self.step.reads.items()}
        group = group_of(self.step, ti.task_id)
        rendered = rendered_here(ti, group) if self.step.spec.parameters else {}
        given = needed_by(self.step, group, context["params"], rendered)
        given = given if self.selection is None else {**given, **self.selection.inherited}
        return StepRun(
            spec=self.step.spec,
            step_type=self.step.type,
            identity=identity,
            scope=scope_of(self.step, identity, aws, given, upstream),
            aws=aws,
            log=self.log,
            publish=self._links.publish,
            mask=self._mask,
            journal=TaskJournal(self._store),
            notes=TaskNotes(self._store),
            inbox=TaskCallbackInbox(self._store),
            options=options_of(self.step, aws),
        )

    async def _mask(self, secrets: Sequence[str]) -> None:
        from airflow.sdk.log import mask_secret

        self._secrets = list(secrets)
        for secret in secrets:
            mask_secret(secret)
