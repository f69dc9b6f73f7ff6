"""The base class of all step operators: the step's slice of the plan, and an attempt's interface to Airflow."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.sdk import BaseOperator
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet

from .. import settings as configured
from ..airflow_versions import (
    RETRIES_RESUME,
    STARTS_IN_TRIGGERER,
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferralTimeout,
)
from ..definition.problems import PipelineError
from ..definition.step_types import WAITING
from ..links import LINKS
from ..runtime.infrastructure_retries import INFRASTRUCTURE_RETRIES, outlast_outages
from ..runtime.step_task import StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context, TriggerRule

    from ..runtime.events import StepEndedBadly
    from ..runtime.selective.step import StepSelection
    from ..runtime.start_in_triggerer import StartInTriggerer
    from ..runtime.worker_attempt import WorkerAttempt

IN_ONE_PROCESS = frozenset({"ForEach"})  # once started in a worker they stay there: their children cannot be deferred
ON_KILL_S = 4.0  # Airflow kills the process 5 s after on_kill was called


class StepFailedForNow(AirflowException):
    """A step failed, and Airflow's ``retries``, set by the user, may run it again."""


class StepFailedForGood(AirflowFailException):
    """A step failed; a retry without a change would fail the same way."""


class DecidedLate:
    """An operator attribute that is computed whenever it is read, e.g. when Airflow serializes the DAG.

    Cluster policies and assignments in the DAG file change operators after their creation.  On the class itself, where
    Airflow looks for mapped operators, the value is ``otherwise``.
    """

    def __init__(self, decide: Callable[[Any], Any], otherwise: object) -> None:
        self._decide = decide
        self._otherwise = otherwise

    def __get__(self, operator: object, owner: type) -> Any:
        return self._otherwise if operator is None else self._decide(operator)


def _converted_by(kind: type) -> frozenset[str]:
    """Attributes with a converter defined in the class ``kind`` itself."""
    return frozenset(name.removeprefix("_convert_") for name in vars(kind) if name.startswith("_convert_"))


class StepOperator(BaseOperator):
    """One step of a SageMaker pipeline.

    Without a definition: ``TrainingStepOperator(task_id="train", arguments={...})`` with the members of the API
    request.  Arguments may contain expressions, ``{"Get": "Parameters.X"}`` for a DAG param and
    ``{"Get": "Steps.<task id>.<path>"}`` for the result of an upstream step.  Here ``{{ }}`` is an Airflow template,
    and the result of a task (``make()``, ``task.output``) can replace all arguments or any part of them; a step with
    either starts in a worker.  Wrap text that is not a template in ``literal("{{ x }}")`` (from ``airflow.sdk``).  In a
    definition, text is always data.

    :param arguments: the step's ``Arguments``, as in a pipeline definition
    :param settings: the step's other keys in a definition, e.g. ``FunctionArn``, ``OutputParameters``
    :param outputs: property paths to push to XCom, as text, or "all" (the default without a definition)
    :param step: all of the above, from a plan; passed by the factory instead
    :param reads: {step name: task id} of the steps that it references; default: found in ``arguments``
    :param pipeline: pipeline name for ``Execution.PipelineName``; default: the DAG id
    :param aws_conn_id: connection of the step; ``None`` for boto3's credential chain; default: ``[sagemaker_mlops]
        aws_conn_id``
    :param assume_role_arn: role, possibly in another account, that the connection's identity assumes for this step
    :param external_id: ``sts:ExternalId`` that the trust policy of ``assume_role_arn`` requires
    :param start_in: "triggerer" (without a worker) or "worker", for steps with jobs; default: ``[sagemaker_mlops]
        start_steps_in``
    :param max_parallel_steps: start only if fewer steps of the run are in progress; 0 for no limit
    :param logs: when to copy the containers' log lines to the task log: "end", "live" or "off"
    :param retry_failed_steps: whether ``retries`` also apply to a failed job, and not only to a killed process or a
        lost connection; default: true if ``retries`` was given
    """

    step_type: ClassVar[str]
    template_fields: Sequence[str] = ("arguments", "settings")  # without a definition; a plan is never rendered
    arguments: Any = None
    settings: Any = None
    _step_of: Callable[..., StepTask] | None = None  # without a definition: builds the step from rendered arguments
    _retry_failed_steps: bool | None = None  # as given; the default depends on ``retries``
    _start_in: str
    _begun: WorkerAttempt | None = None  # the attempt that this process runs or has submitted
    _killed = False
    _by_hand = False
    _begins_in_worker: ClassVar[bool] = False
    _rule_changed: Callable[[], None] | None = None  # wires edges that the trigger rules no longer imply
    step: StepTask
    operator_extra_links = LINKS
    _converted: ClassVar[frozenset[str]]  # attributes that Airflow or a subclass converts on assignment

    def __init__(
        self,
        *,
        step: StepTask | None = None,
        arguments: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
        outputs: Sequence[str] | str = "all",
        reads: Mapping[str, str] | None = None,
        pipeline: str | None = None,
        aws_conn_id: str | ArgNotSet | None = NOTSET,
        region_name: str | None = None,
        assume_role_arn: str | None = None,
        external_id: str | None = None,
        poll_interval_s: float | None = None,
        logs: Literal["end", "live", "off"] | None = None,
        max_parallel_steps: int | None = None,
        start_in: configured.StartIn | None = None,
        retry_failed_steps: bool | None = None,
        **kwargs: Any,
    ) -> None:
        # "default_args" already includes those of the DAG and the task group.
        set_by_user = {**(kwargs.get("default_args") or {}), **kwargs}
        outlast_outages(kwargs, set_by_user)
        given = "retries" in set_by_user
        own: dict[str, Any] = {"template_fields": ()}
        if step is None:
            configured.check_choices(
                {
                    "start_in": start_in,
                    "logs": logs,
                    "poll_interval_s": poll_interval_s,
                    "max_parallel_steps": max_parallel_steps,
                    "retry_failed_steps": retry_failed_steps,
                },
                f'task "{kwargs.get("task_id", "")}"',
            )
            from ..hooks.connection import AwsConnection
            from ..templates import is_known_at_run, known_now
            from .standalone import step_by_hand

            self._by_hand = True
            step_of = functools.partial(
                step_by_hand,
                self.step_type,
                outputs=outputs,
                reads=reads,
                pipeline=pipeline,
                connection=AwsConnection(
                    configured.connection(aws_conn_id),
                    region_name or configured.region_name(),
                    assume_role_arn,
                    external_id,
                ),
                poll_interval_s=poll_interval_s,
                logs=logs,
                max_parallel_steps=max_parallel_steps,
            )
            step = step_of(arguments=known_now(arguments) or {}, settings=known_now(settings) or {})
            own = {"arguments": arguments, "settings": settings, "_step_of": step_of}
            if not is_known_at_run(arguments) and not is_known_at_run(settings):
                own["template_fields"] = ()
        super().__init__(**kwargs)
        # Bypass Airflow's __setattr__, which looks for converters and templates; these attributes have none.
        self.__dict__.update(own, step=step, _start_in=start_in or configured.start_steps_in())
        if given or retry_failed_steps is not None:
            self.__dict__["_retry_failed_steps"] = given if retry_failed_steps is None else retry_failed_steps

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._converted = cls._converted.union(*map(_converted_by, cls.__mro__[: cls.__mro__.index(StepOperator)]))

    def __setattr__(self, name: str, value: object) -> None:
        """Skips Airflow's search for a converter of each attribute while the operator is being created.

        That search takes most of an operator's creation time (3.3.2), and finds converters for 5 of 60 attributes.
        Airflow's other checks here only apply after it has stored the arguments, at the end of its constructor.
        """
        arguments = self.__dict__.get("_BaseOperator__init_kwargs")
        if arguments is None or arguments or name in self._converted:
            super().__setattr__(name, value)
        else:
            super(BaseOperator, self).__setattr__(name, value)

    @property
    def retry_failed_steps(self) -> bool:
        """Whether ``retries`` also apply to a failed job; ``retries`` set by a cluster policy count as the user's."""
        if self._retry_failed_steps is None:
            return bool(self.retries != INFRASTRUCTURE_RETRIES)
        return self._retry_failed_steps

    def _starts_from_trigger(self) -> bool:
        if (
            self._begins_in_worker
            or not STARTS_IN_TRIGGERER
            or self.step_type not in WAITING
            or self._start_in != "triggerer"
        ):
            return False
        from ..runtime.start_in_triggerer import has_secret_defaults, has_to_begin_in_worker

        in_worker = bool(self.template_fields) or has_secret_defaults(self.step.spec)  # templates are rendered there
        return not in_worker and not has_to_begin_in_worker(self)

    def _start_arguments(self) -> StartInTriggerer | None:
        if not self.start_from_trigger:
            return None
        from ..runtime.start_in_triggerer import StartInTriggerer, has_to_end_in_worker

        return StartInTriggerer(self.step, finish_in_worker=has_to_end_in_worker(self))

    @property
    def trigger_rule(self) -> TriggerRule:
        """Airflow's trigger rule.  With a rule other than ``all_success``, the task's edges no longer imply others.

        A cluster policy or an assignment may change it after the pipeline was wired; the pipeline is then notified.
        """
        return self.__dict__["trigger_rule"]  # type: ignore[no-any-return]

    @trigger_rule.setter
    def trigger_rule(self, rule: TriggerRule) -> None:
        before = self.__dict__.get("trigger_rule", rule)
        self.__dict__["trigger_rule"] = rule
        if rule != before and self._rule_changed is not None:
            self._rule_changed()

    start_from_trigger = DecidedLate(_starts_from_trigger, False)
    start_trigger_args = DecidedLate(_start_arguments, None)

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """As in any operator.  Checks options here, where they are not yet mixed with Airflow's defaults."""
        from ..runtime.mapped_step import defaults_of

        configured.check_choices(kwargs, f'task "{kwargs.get("task_id", "")}"')
        made = super().partial(**kwargs)
        defaults = defaults_of(made.kwargs.get("dag"), made.kwargs.get("task_group"))
        set_by_user = {**defaults, **(kwargs.get("default_args") or {}), **kwargs}
        outlast_outages(made.kwargs, set_by_user)
        made.kwargs.setdefault("retry_failed_steps", "retries" in set_by_user)
        return made

    @property
    def has_retry_policy(self) -> bool | None:  # type: ignore[override]
        """As in any operator, but ``None`` for ``False``, which Airflow 3.3.2 writes into every serialized step."""
        return True if getattr(self, "retry_policy", None) else None

    def set_upstream(self, *given: Any, **options: Any) -> None:
        """As in any task; also updates the edges of the pipeline's status task."""
        super().set_upstream(*given, **options)
        self._may_end_early()

    def update_relative(self, other: Any, upstream: bool = True, edge_modifier: Any = None) -> None:
        """Called when another task is wired to this one; also updates the status task's edges."""
        super().update_relative(other, upstream, edge_modifier)
        if upstream:
            self._may_end_early()

    def _may_end_early(self) -> None:
        if self._by_hand:
            return  # then so is the status task, if there is one
        from .status_edges import let_status_wait

        let_status_wait(self, self.step.step or self.task_id)

    def add_output(self, path: str) -> None:
        """Also push the property at ``path``, for a task outside the pipeline."""
        spec = self.step.spec
        if spec.outputs != "all" and path not in spec.outputs:
            self.step = replace(self.step, spec=replace(spec, outputs=tuple(sorted([*spec.outputs, path]))))

    def _validate_start_from_trigger_kwargs(self) -> None:
        """Skip Airflow's search for callables in the trigger's arguments: ours are text, and building them is slow."""

    def execute(self, context: Context) -> Any:
        """Run the step, and publish its results to the task's outlets."""
        self._take_rendered()
        with self._attempt_of(context):
            return self._with_asset_events(context, self._run_here(context))

    def _take_rendered(self) -> None:
        """Rebuild the step from the arguments that Airflow has rendered, if rendering changed them."""
        if self._step_of is None:
            return
        from ..templates import without_literals

        arguments, settings = self.arguments or {}, self.settings or {}
        for name, value in (("arguments", arguments), ("settings", settings)):
            if not isinstance(value, Mapping):
                shown = type(value).__name__
                raise StepFailedForGood(
                    f"{name}= is of type {shown} in this run, but must be a mapping, as in a request."
                )
        try:
            step = self._step_of(arguments=without_literals(arguments), settings=without_literals(settings))
        except ValueError as error:
            raise StepFailedForGood(str(error)) from None
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
                from ..runtime.task_store.kept_end import save_failure_reason

                save_failure_reason(context, error)
                raise

    def _with_asset_events(self, context: Context, result: object) -> Any:
        if self.outlets:
            from ..integrations.emit_asset_events import emit_for_step

            upstream = self._begun.upstream_results if self._begun is not None else {}
            emit_for_step(self.step, self.outlets, context, result, upstream=upstream)
        return result

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
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
        from ..runtime.task_store.kept_end import KeptEnd

        kept = KeptEnd(context).read()
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

        try:
            return step_selection(context, self.step)
        except PipelineError as error:
            raise StepFailedForGood(str(error)) from None

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
        from ..runtime.step_task import JOURNAL_KEY
        from ..runtime.task_states import own_xcom

        ti = context["ti"]
        entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
        return entry is not None and entry.try_number != ti.try_number

    def resume(self, context: Context, event: Mapping[str, object]) -> Any:
        """After the triggerer: return the result, or raise the failure."""
        from ..runtime import events

        match events.from_payload(event):
            case events.StepSucceeded(result, published):
                from ..runtime.task_store.kept_end import KeptEnd

                KeptEnd(context).keep(result=result, published=published)
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
        from ..runtime.task_store.kept_end import KeptEnd

        pause = asyncio.run(self._attempt(context).pause_for(event.cause, event.error)) if event.cause else None
        if pause is not None:
            return self._again_after(context, pause)
        _leave(context, event.result)
        if self.retry_failed_steps:
            report_failure(context)
        KeptEnd(context).keep(failure=event.error, left=event.result, published=event.published)
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


StepOperator._converted = frozenset().union(*map(_converted_by, StepOperator.__mro__))


def _leave(context: Context, result: object) -> None:
    """Store what is known about a failed step, for steps that run on its failure and for the status task."""
    if result:
        ti = context["ti"]
        ti.xcom_push(key="return_value", value=result)
