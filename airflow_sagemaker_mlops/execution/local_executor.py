"""Runs a whole plan in one process, for ``sagemaker-mlops run`` and for tests that compare Airflow with it.

Steps start as soon as everything that they wait for has succeeded; branches that are not taken, and all steps after
them, do not start, as on the service and with Airflow's trigger rule ``all_success``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ..plan.model import RUN_CONDITION_SUFFIX, Plan, TaskPlan
from ..plan.run_rules import run_status, unmet
from ..plan.selection import Selection
from .aws.clients import Aws
from .callback_inbox import CallbackInbox, MemoryCallbackInbox
from .end_run import end_step
from .exceptions import StepFailed
from .identity import StepIdentity
from .recorder_protocol import StepRecorder, run_recorded
from .scope import Scope
from .scope_values import (
    execution_variables,
    experiment_block,
    s3_reader,
    typed_parameters,
)
from .step_run import ExecutionOptions, StepRun, now

State = Literal["Waiting", "Executing", "Succeeded", "Failed", "Stopped", "NotTaken", "NotStarted", "NotSelected"]
ENDED = frozenset({"Succeeded", "Failed", "Stopped", "NotTaken", "NotStarted", "NotSelected"})


@dataclass(slots=True)
class StepProgress:
    """The progress of one step; changes in place during the run.

    state     NotTaken: in or after a branch that was not taken; NotStarted: after a failure, or its trigger is not met;
              NotSelected: not selected in a selective run
    status    the job's own last status, e.g. "Training"
    line      the last log line
    report    everything known about its failure, cause first; empty if ``error`` is complete
    """

    name: str
    type: str
    display_name: str
    state: State = "Waiting"
    status: str = ""
    line: str = ""
    started: str | None = None
    ended: str | None = None
    error: str = ""
    report: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    jobs_started: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """A step that succeeded in an earlier process of the same run, with its result."""

    result: Mapping[str, Any]
    started: str
    ended: str
    jobs_started: int = 0


@dataclass(slots=True)
class PipelineRun:
    """One run of ``plan``.

    parameters   values by name; defaults apply to the rest
    max_parallel_steps   maximum number of steps that run at once; 0 for no limit
    notify       called after every change of a step, and with every log line ("" for a change of state)
    recorder     notified of every step; provides results of earlier runs for caching and selective execution
    selection    the part of the plan that runs; reused steps get their results from the recorder
    finished     steps that succeeded in an earlier process of this run, by name
    retried      steps that failed or were stopped in an earlier process of this run: they get a new job
    stop_cause   why the run was stopped from outside; empty if it was not
    """

    plan: Plan
    pipeline: str
    run_id: str
    aws: Aws
    parameters: Mapping[str, Any]
    options: ExecutionOptions
    notify: Callable[[StepProgress, str], None]
    inbox: CallbackInbox = field(default_factory=MemoryCallbackInbox)
    max_parallel_steps: int = 0
    recorder: StepRecorder[Any] | None = None
    selection: Selection | None = None
    finished: Mapping[str, Finished] = field(default_factory=dict)
    retried: frozenset[str] = frozenset()
    started: str = field(default_factory=now)
    ended: str | None = None
    steps: dict[str, StepProgress] = field(default_factory=dict)
    stop_cause: str = ""
    _run_conditions: dict[str, TaskPlan] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _running: dict[str, StepRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._run_conditions = {task.task_id: task for task in self.plan.tasks if task.step_type == "RunCondition"}
        for task in self._tasks():
            step = self.steps[task.task_id] = StepProgress(task.task_id, task.step_type, task.display_name)
            if self.selection is not None and self.selection.role_of(task.task_id) == "not selected":
                step.state = "NotSelected"

    @property
    def status(self) -> str:
        """Executing, Succeeded, Failed, CompletedWithFailures or Stopped, in the service's words."""
        if self.ended is None:
            return "Executing"
        if self.stop_cause:
            return "Stopped"
        ends = {name: _end(step.state) for name, step in self.steps.items()}
        return run_status(ends, self.plan.handlers)

    async def run(self) -> None:
        """Run to the end; failed steps are in ``steps``, not raised."""
        running: dict[asyncio.Task[None], str] = {}
        stopping: asyncio.Task[Any] = asyncio.create_task(self._stopping.wait())
        try:
            self._take_over()
            while True:
                for task in self._tasks():
                    if self._has_room(len(running)) and self._settle(task):
                        running[asyncio.create_task(self._run_one(task))] = task.task_id
                if not running:
                    break
                done, _ = await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
                if stopping in done:
                    await self._stop_all(running)
                    break
                for finished in done:
                    running.pop(finished)
                    finished.result()
        finally:
            for unfinished in (*running, stopping):
                unfinished.cancel()
            self.ended = now()
            if self.recorder is not None:
                await self.recorder.settled()

    def stop(self, cause: str, *, aws_is_gone: bool = False) -> None:
        """Stop the jobs, start no further step and end the run as Stopped, because of ``cause``.

        aws_is_gone   AWS cannot be reached to stop jobs

        Call this on the event loop of :meth:`run`.
        """
        self.stop_cause = self.stop_cause or cause
        if aws_is_gone:
            self._running.clear()
        self._stopping.set()

    def unfinished_jobs(self) -> dict[str, str]:
        """{step: its job} for steps that are running now."""
        return {s.name: s.facts["name"] for s in self.steps.values() if s.state == "Executing" and "name" in s.facts}

    def _take_over(self) -> None:
        """Take over the results of an earlier process of this run."""
        for task in self._tasks():
            left, step = self.finished.get(task.task_id), self.steps[task.task_id]
            if left is not None:
                step.result, step.started, step.ended = dict(left.result), left.started, left.ended
                step.jobs_started = left.jobs_started
                self._set(step, "Succeeded")
                if task.step_type == "Condition":
                    self._take_branch(task, bool(step.result["Properties"]["Outcome"]))

    async def _stop_all(self, running: Mapping[asyncio.Task[None], str]) -> None:
        await asyncio.gather(*(self._stop_one(task, self.steps[name]) for task, name in running.items()))
        for step in self.steps.values():
            if step.state == "Waiting":
                self._set(step, "NotStarted")

    async def _stop_one(self, task: asyncio.Task[None], step: StepProgress) -> None:
        why = await end_step(task, self._running.get(step.name))
        if step.state == "Executing":
            step.error, step.ended = why or f"stopped: {self.stop_cause}", now()
            self._set(step, "Stopped")

    def _tasks(self) -> list[TaskPlan]:
        return [task for task in self.plan.tasks if task.is_step]

    def _has_room(self, running: int) -> bool:
        return not self.max_parallel_steps or running < self.max_parallel_steps

    def _settle(self, task: TaskPlan) -> bool:
        """Whether ``task`` may start now; marks it if it never will.  Tasks come in topological order."""
        step = self.steps[task.task_id]
        if step.state != "Waiting":
            return False
        if self.selection is not None and task.task_id in self.selection.reused:
            self._set(step, "Executing")  # whatever happened to the steps before it in this run
            return True
        condition = next(
            (self._run_conditions[edge.task_id] for edge in task.upstream if edge.kind == "run_condition"), None
        )
        if condition is not None:
            return self._settle_by_condition(step, condition)
        upstream = [self.steps[edge.task_id].state for edge in task.upstream]
        if any(state in ("Failed", "Stopped", "NotStarted") for state in upstream):
            self._set(step, "NotStarted")
        elif "NotTaken" in upstream:
            self._set(step, "NotTaken")
        elif all(state == "Succeeded" for state in upstream):
            self._set(step, "Executing")
            return True
        return False

    def _settle_by_condition(self, step: StepProgress, condition: TaskPlan) -> bool:
        states = {edge.task_id: self.steps[edge.task_id].state for edge in condition.upstream}
        if not ENDED.issuperset(states.values()):
            return False
        if unmet(condition.triggers, {name: _end(state) for name, state in states.items()}):
            self._set(step, "NotStarted")
            return False
        self._set(step, "Executing")
        return True

    async def _run_one(self, task: TaskPlan) -> None:
        step = self.steps[task.task_id]
        step.started = now()
        try:
            run = self._running[step.name] = self._step_run(task, step)
            result = await run_recorded(run, self.recorder)
        except StepFailed as error:
            step.result, step.report = dict(error.result) or None, error.details
            for line in error.details.splitlines():
                run.log(line)
            self._fail(step, str(error), stopped=error.stopped)
        except Exception as error:
            self._fail(step, f"{type(error).__name__}: {error}")
        else:
            step.result = result
            step.ended = now()
            if task.step_type == "Condition":
                self._take_branch(task, bool(step.result["Properties"]["Outcome"]))
            self._set(step, "Succeeded")

    def _fail(self, step: StepProgress, error: str, *, stopped: bool = False) -> None:
        step.error, step.ended = error, now()
        self._set(step, "Stopped" if stopped else "Failed")

    def _take_branch(self, task: TaskPlan, outcome: bool) -> None:
        for name in task.spec.branches.get("Else" if outcome else "If", ()):
            step = self.steps[name.removesuffix(RUN_CONDITION_SUFFIX)]
            if step.state == "Waiting":
                self._set(step, "NotTaken")

    def _set(self, step: StepProgress, state: State) -> None:
        step.state = state
        self.notify(step, "")

    def _step_run(self, task: TaskPlan, step: StepProgress) -> StepRun:
        identity = StepIdentity(
            pipeline=self.pipeline,
            step=task.task_id,
            dag_id=self.pipeline,
            run_id=self.run_id,
            task_id=task.task_id,
            try_number=2 if task.task_id in self.retried else 1,
            run_started=self.started,
        )
        scope = Scope(
            step=task.task_id,
            parameters=typed_parameters(task.task_id, task.spec, self.parameters),
            execution=execution_variables(identity, self.aws.region),
            steps={name: self.steps[name].result or {} for name in task.reads},
            files=task.spec.files,
            read_s3=s3_reader(self.aws),
            experiment=experiment_block(task.spec),
        )

        def log(text: str, *arguments: object) -> None:
            step.line = text % arguments if arguments else text
            self.notify(step, step.line)

        async def publish(facts: Mapping[str, str]) -> None:
            step.facts.update(facts)
            step.jobs_started += bool(facts.get("created"))

        return StepRun(
            spec=task.spec,
            step_type=task.step_type,
            identity=identity,
            scope=scope,
            aws=self.aws,
            log=log,
            publish=publish,
            inbox=self.inbox,
            options=self.options,
        )


def _end(state: State) -> str:
    return "NotRun" if state in ("Waiting", "Executing", "NotTaken", "NotStarted", "NotSelected") else state


def new_run_id() -> str:
    """A run id in Airflow's format, for a run without Airflow."""
    return f"run__{datetime.now(UTC).isoformat(timespec='milliseconds')}"
