"""An attempt of a step: what its task does in a worker, on its way to the triggerer and back, and at its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from ..airflow_versions import (
    RETRIES_RESUME,
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferralTimeout,
)
from ..definition.problems import PipelineError
from ..definition.step_types import WAITING

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from ..runtime.events import StepEndedBadly
    from ..runtime.selective.step import StepSelection
    from ..runtime.step_task import StepTask
    from ..runtime.worker_attempt import WorkerAttempt

IN_ONE_PROCESS = frozenset({"ForEach"})  # once started in a worker they stay there: their children cannot be deferred
ON_KILL_S = 4.0  # Airflow kills the process 5 s after on_kill was called


class StepFailedForNow(AirflowException):
    """A step failed, and Airflow's ``retries``, set by the user, may run it again."""


class StepFailedForGood(AirflowFailException):
    """A step failed; a retry without a change would fail the same way."""


class StepAttempts(BaseOperator):
    """The part of a step operator that runs."""

    step_type: ClassVar[str]
    arguments: Any = None
    settings: Any = None
    step: StepTask
    _step_of: Callable[..., StepTask] | None = None  # without a definition: builds the step from rendered arguments
    _begun: WorkerAttempt | None = None  # the attempt that this process runs or has submitted
    _killed = False

    @property
    def retry_failed_steps(self) -> bool:
        """Whether ``retries`` also apply to a failed job."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Run the step, and publish its results to the task's outlets."""
        self._take_rendered()
        with self._attempt_of(context):
            return self._with_asset_events(context, self._run_here(context))

    def _take_rendered(self) -> None:
        """Rebuild the step from the arguments that Airflow has rendered, if rendering changed them."""
        if self._step_of is None:
            return
        from ..task_log import refused
        from ..templates import without_literals

        arguments, settings = self.arguments or {}, self.settings or {}
        for name, value in (("arguments", arguments), ("settings", settings)):
            if not isinstance(value, Mapping):
                shown = type(value).__name__
                raise refused(
                    StepFailedForGood,
                    f"{name}= is of type {shown} in this run, but must be a mapping, as in a request.",
                )
        try:
            step = self._step_of(arguments=without_literals(arguments), settings=without_literals(settings))
        except ValueError as error:
            raise refused(StepFailedForGood, str(error)) from None
        self.__dict__["step"] = step

    @contextmanager
    def _attempt_of(self, context: Context) -> Iterator[None]:
        """Handle a failing attempt: report why, count it, and stop the job if it is the last attempt."""
        from ..runtime.retry_budget import errors_counted
        from ..runtime.stopping.on_final_failure import nothing_left_running

        warn, fails_once = self.log.warning, not self.retry_failed_steps
        with nothing_left_running(self.step, context, warn, fails_once=fails_once), errors_counted(self, context):
            try:
                yield
            except (StepFailedForNow, StepFailedForGood) as error:
                from ..runtime.task_store.stored_end import save_failure_reason

                save_failure_reason(context, error)
                raise

    def _with_asset_events(self, context: Context, result: object) -> Any:
        if self.outlets:
            from ..integrations.emit_asset_events import emit_for_step

            upstream = self._begun.upstream_results if self._begun is not None else {}
            emit_for_step(self.step, self.outlets, context, result, upstream=upstream)
        return result

    def get_openlineage_facets_on_complete(self, task_instance: RuntimeTaskInstanceProtocol) -> Any:
        """Called by the OpenLineage provider's listener, also after a failure, in the worker where the task ended."""
        from ..integrations.openlineage import lineage_of_step

        return lineage_of_step(self, task_instance)

    def _run_here(self, context: Context) -> Any:
        """Run the step here; a step with a job is submitted here and awaited in the triggerer."""
        selection = self._selection(context)
        if selection is not None and selection.role != "selected":
            return self._not_run(selection, context)
        if self.step_type not in WAITING or self.step_type in IN_ONE_PROCESS:
            self._begun = self._attempt(context)
            return self._in_worker(self._begun.run_at_once(), context)
        kept = self._kept_result(context)
        return self.submit_again(context) if kept is None else kept

    def _kept_result(self, context: Context) -> Any:
        """The result of an earlier attempt that succeeded; raises the failure of one that failed."""
        from ..runtime.task_store.stored_end import StoredEnd

        kept = StoredEnd(context).read()
        ti = context["ti"]
        for key, value in (kept.get("published") or {}).items():
            ti.xcom_push(key=key, value=value)
        if kept.get("failure") and not self.retry_failed_steps:
            _leave(context, kept.get("left"))
            raise self._failure(str(kept["failure"]))
        if kept.get("result") is not None:
            self.log.info("the step succeeded in an earlier attempt; using its result")
        return kept.get("result")

    def _selection(self, context: Context) -> StepSelection | None:
        """What a selective run does with this step; ``None`` if the whole pipeline runs."""
        from ..runtime.selective.step import step_selection
        from ..task_log import refused

        try:
            return step_selection(context, self.step)
        except PipelineError as error:
            raise refused(StepFailedForGood, str(error)) from None

    def _not_run(self, selection: StepSelection, context: Context) -> Any:
        """Return the earlier result of a reused step, or skip a step that is not selected."""
        if selection.role == "not selected":
            raise AirflowSkipException("the step is not selected in this run")
        return self._in_worker(self._attempt(context).reuse(selection), context)

    def _run_selected(self, context: Context) -> Any:
        """Run the step in the triggerer, where it started, unless it is not selected or has already ended."""
        from ..runtime.start_in_triggerer import has_to_end_in_worker
        from ..runtime.task_store.journal import save_why_repeated
        from ..triggers.step import StepTrigger

        selection = self._selection(context)
        if selection is not None and selection.role != "selected":
            return self._not_run(selection, context)
        kept = self._kept_result(context)
        if kept is not None:
            return kept
        save_why_repeated(context, self.retries or 0)
        finish_in = "worker" if has_to_end_in_worker(self) else "triggerer"
        parameters = selection.inherited if selection is not None else {}
        trigger = StepTrigger(self.step.to_json(), finish_in=finish_in, parameters=parameters)
        return self.defer(trigger=trigger, method_name="resume", timeout=self._time_left(context))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Called instead of ``execute`` when the task returns from the triggerer, also after a timeout."""
        self._take_rendered()
        if RETRIES_RESUME and self._came_back_before(context):
            return self.execute(context)
        with self._attempt_of(context):
            return self._with_asset_events(context, self._resumed(next_method, next_kwargs, context))

    def _resumed(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            stopped = self._in_worker(self._attempt(context).stop_overdue())
            what = f"; {stopped} was stopped" if stopped else ""
            words = f'Step "{self.step.step or self.task_id}": not finished within execution_timeout'
            raise self._failure(f"{words} ({self.execution_timeout}){what}") from None

    def _came_back_before(self, context: Context) -> bool:
        """Whether an earlier attempt returned from the triggerer, and this attempt has not started anything yet."""
        from ..execution.journal import entry_from_json
        from ..runtime.task_states import own_xcom
        from ..xcom_keys import JOURNAL_KEY

        ti = context["ti"]
        entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
        return entry is not None and entry.try_number != ti.try_number

    def resume(self, context: Context, event: Mapping[str, object]) -> Any:
        """After the triggerer: return the result, or raise the failure."""
        from ..runtime import events

        match events.from_payload(event):
            case events.StepSucceeded(result, published):
                from ..runtime.task_store.stored_end import StoredEnd

                StoredEnd(context).save(result=result, published=published)
                return result
            case events.StepEndedBadly() as failed:
                return self._failed(context, failed)
            case events.StepInterrupted(error, trace, outage):
                from ..runtime.retry_budget import Interrupted

                self.log.error("%s", trace or error)
                raise (Interrupted if outage else AirflowException)(error)
            case _:
                return self._run_selected(context)

    def _failed(self, context: Context, event: StepEndedBadly) -> Any:
        """Defer for another job if a retry policy requests one; otherwise fail, and store what is known of the step."""
        from ..runtime.task_store.journal import report_failure
        from ..runtime.task_store.stored_end import StoredEnd

        pause = asyncio.run(self._attempt(context).pause_for(event.cause, event.error)) if event.cause else None
        if pause is not None:
            return self._again_after(context, pause)
        _leave(context, event.result)
        if self.retry_failed_steps:
            report_failure(context)
        StoredEnd(context).save(failure=event.error, left=event.result, published=event.published)
        raise self._failure(event.error, event.report)

    def _again_after(self, context: Context, pause: timedelta) -> Any:
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        self.defer(trigger=TimeDeltaTrigger(pause), method_name="submit_again", timeout=self._time_left(context))

    def submit_again(self, context: Context, event: object = None) -> Any:
        """Submit here and defer to the triggerer; also called after the delay of a retry policy."""
        from ..runtime.events import StepSucceeded

        self._begun = self._attempt(context)
        made = self._in_worker(self._begun.submit())
        if isinstance(made, timedelta):
            return self._again_after(context, made)
        if isinstance(made, StepSucceeded):
            return made.result
        from ..triggers.step import StepTrigger

        trigger = StepTrigger(task=self.step.to_json(), handed_over=made.to_json())
        return self.defer(trigger=trigger, method_name="resume", timeout=self._time_left(context))

    def _attempt(self, context: Context) -> WorkerAttempt:
        from ..runtime.worker_attempt import WorkerAttempt

        return WorkerAttempt(self.step, context, self._selection(context), self.log.info, lambda: self._killed)

    def _time_left(self, context: Context) -> timedelta | None:
        """The rest of execution_timeout; Airflow applies it to a deferred task only if that started there (3.3.2)."""
        ti = context["ti"]
        if self.execution_timeout is None or ti.start_date is None:
            return None
        left: timedelta = self.execution_timeout - (datetime.now(UTC) - ti.start_date)
        return max(left, timedelta(seconds=1))

    def _in_worker(self, coroutine: Coroutine[Any, Any, Any], context: Context | None = None) -> Any:
        from ..execution.exceptions import StepFailed

        try:
            return asyncio.run(coroutine)
        except StepFailed as error:
            if context is not None:
                _leave(context, dict(error.result))
            if context is not None and self.retry_failed_steps:
                from ..runtime.task_store.journal import report_failure

                report_failure(context)
            raise self._failure(str(error), error.details) from None

    def _failure(self, message: str, report: str = "") -> AirflowException:
        """The failure of the step itself; ``report`` replaces the traceback in the task log."""
        from ..task_log import without_traceback

        kind = StepFailedForNow if self.retry_failed_steps else StepFailedForGood
        return without_traceback(kind(message), report or message)

    def on_kill(self) -> None:
        """Stop this attempt's job.  Runs in a signal handler, so a separate thread makes the calls."""
        self._killed = True
        begun = self._begun
        if begun is None or not begun.may_leave_a_job:
            return
        thread = threading.Thread(target=lambda: asyncio.run(begun.stop()), daemon=True)
        thread.start()
        thread.join(ON_KILL_S)


def _leave(context: Context, result: object) -> None:
    """Store what is known about a failed step, for steps that run on its failure and for the status task."""
    if result:
        ti = context["ti"]
        ti.xcom_push(key="return_value", value=result)
