"""What all step operators share: the step's slice of the plan, and what Airflow asks and is told of an attempt."""

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

IN_ONE_PROCESS = frozenset({"ForEach"})  # begun in a worker it stays there: its children are not handed over
ON_KILL_S = 4.0  # Airflow kills the process 5 s after on_kill was called


class StepFailedForNow(AirflowException):
    """A step ended badly and Airflow's ``retries``, which the user set, may run it again."""


class StepFailedForGood(AirflowFailException):
    """A step ended badly; trying again without a change would end the same way."""


class DecidedLate:
    """An attribute of an operator that is decided whenever it is read, which Airflow does when it serializes the DAG.

    Cluster policies and assignments in the DAG file change operators after they are made.  On the class itself, where
    Airflow looks for mapped operators, it is ``otherwise``.
    """

    def __init__(self, decide: Callable[[Any], Any], otherwise: Any) -> None:
        self._decide = decide
        self._otherwise = otherwise

    def __get__(self, operator: Any, owner: type) -> Any:
        return self._otherwise if operator is None else self._decide(operator)


def _converted_by(kind: type) -> frozenset[str]:
    """Attributes that have a converter in the class ``kind`` itself."""
    return frozenset(name.removeprefix("_convert_") for name in vars(kind) if name.startswith("_convert_"))


class StepOperator(BaseOperator):
    """One step of a SageMaker pipeline.

    By hand: ``TrainingStepOperator(task_id="train", arguments={...})`` with the members of the API request; arguments
    may hold expressions, ``{"Get": "Parameters.X"}`` for a DAG param and ``{"Get": "Steps.<task id>.<path>"}`` for the
    result of an upstream step.  Here ``{{ }}`` is an Airflow template, and the result of a task (``make()``,
    ``task.output``) may stand for all of the arguments or anywhere in them; a step with either begins in a worker.
    Text that is no template is written ``literal("{{ x }}")`` (of ``airflow.sdk``).  In a definition it is always data.

    :param arguments: the step's ``Arguments``, as in a pipeline definition
    :param settings: the step's other keys of a definition, e.g. ``FunctionArn``, ``OutputParameters``
    :param outputs: property paths to push to XCom, as text, or "all" (the default by hand)
    :param step: all of that at once, out of a plan; given by the factory instead
    :param reads: {step name: task id} of the steps it references; found in ``arguments`` when left out
    :param pipeline: pipeline name for ``Execution.PipelineName``; the DAG id when left out
    :param aws_conn_id: connection of the step; ``None`` for boto3's own credential chain, and ``[sagemaker_mlops]
        aws_conn_id`` when left out
    :param assume_role_arn: role that the connection's identity assumes for this step, also one of another account
    :param external_id: what the trust policy of ``assume_role_arn`` asks for as ``sts:ExternalId``
    :param start_in: "triggerer" (no worker at all) or "worker", for steps that wait; ``[sagemaker_mlops]
        start_steps_in`` when left out
    :param max_parallel_steps: begin only when fewer steps than that are on their way in the run; 0 for any number
    :param logs: bring the containers' log lines into the task log: "end", "live" or "off"
    :param retry_failed_steps: whether ``retries`` are also for a job that failed, and not only for a process that was
        killed or a connection that was lost; when left out, where ``retries`` was given
    """

    step_type: ClassVar[str]
    template_fields: Sequence[str] = ("arguments", "settings")  # by hand; none of what a plan says is ever rendered
    arguments: Any = None
    settings: Any = None
    _step_of: Callable[..., StepTask] | None = None  # by hand: of rendered arguments and settings
    _retry_failed_steps: bool | None = None  # as given; where it was not, it follows from ``retries``
    _start_in: str
    _begun: WorkerAttempt | None = None  # what runs in this process, or was submitted by it
    _killed = False
    _by_hand = False
    _rule_changed: Callable[[], None] | None = None  # wires what the pipeline's other rules no longer imply
    step: StepTask
    operator_extra_links = LINKS
    _converted: ClassVar[frozenset[str]]  # attributes that Airflow, or a subclass, converts when they are set

    def __init__(
        self,
        *,
        step: StepTask | None = None,
        arguments: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
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
        # "default_args" holds the DAG's and the task group's by now.
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
        # Straight into __dict__: Airflow's own __setattr__ looks for converters and templates, which these have not.
        self.__dict__.update(own, step=step, _start_in=start_in or configured.start_steps_in())
        if given or retry_failed_steps is not None:
            self.__dict__["_retry_failed_steps"] = given if retry_failed_steps is None else retry_failed_steps

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._converted = cls._converted.union(*map(_converted_by, cls.__mro__[: cls.__mro__.index(StepOperator)]))

    def __setattr__(self, name: str, value: Any) -> None:
        """As of any operator, and without its search for a converter of each attribute while the operator is made.

        That search takes most of an operator's time (3.3.2), and finds one for 5 of 60 attributes.  Airflow's other
        concerns here begin when it has noted the arguments, at the end of its constructor.
        """
        arguments = self.__dict__.get("_BaseOperator__init_kwargs")
        if arguments is None or arguments or name in self._converted:
            super().__setattr__(name, value)
        else:
            super(BaseOperator, self).__setattr__(name, value)

    @property
    def retry_failed_steps(self) -> bool:
        """Whether ``retries`` are also for a job that failed; a cluster policy that sets them counts as the user."""
        if self._retry_failed_steps is None:
            return bool(self.retries != INFRASTRUCTURE_RETRIES)
        return self._retry_failed_steps

    def _starts_from_trigger(self) -> bool:
        if not STARTS_IN_TRIGGERER or self.step_type not in WAITING or self._start_in != "triggerer":
            return False
        from ..runtime.start_in_triggerer import has_secret_defaults, has_to_begin_in_worker

        in_worker = bool(self.template_fields) or has_secret_defaults(self.step.spec)  # the first are rendered there
        return not in_worker and not has_to_begin_in_worker(self)

    def _start_arguments(self) -> StartInTriggerer | None:
        if not self.start_from_trigger:
            return None
        from ..runtime.start_in_triggerer import StartInTriggerer, has_to_end_in_worker

        return StartInTriggerer(self.step, finish_in_worker=has_to_end_in_worker(self))

    @property
    def trigger_rule(self) -> TriggerRule:
        """As of any operator.  With another rule than ``all_success`` its edges imply no others any more.

        A cluster policy or an assignment may change it after the pipeline was wired, which then is told.
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
        """As of any operator.  Airflow fills in its own defaults, so that an instance could not tell what was given."""
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
        """As of any operator, but ``None`` for ``False``, which Airflow 3.3.2 writes into every serialized step."""
        return True if getattr(self, "retry_policy", None) else None

    def set_upstream(self, *given: Any, **options: Any) -> None:
        """As for any task; the status task of its pipeline takes note."""
        super().set_upstream(*given, **options)
        self._may_end_early()

    def update_relative(self, other: Any, upstream: bool = True, edge_modifier: Any = None) -> None:
        """Called when another task is wired to this one; likewise."""
        super().update_relative(other, upstream, edge_modifier)
        if upstream:
            self._may_end_early()

    def _may_end_early(self) -> None:
        if self._by_hand:
            return  # so is the status task, if there is one
        from .status_edges import let_status_wait

        let_status_wait(self, self.step.step or self.task_id)

    def add_output(self, path: str) -> None:
        """Push the property at ``path`` as well, for a task outside of the pipeline that reads it."""
        spec = self.step.spec
        if spec.outputs != "all" and path not in spec.outputs:
            self.step = replace(self.step, spec=replace(spec, outputs=tuple(sorted([*spec.outputs, path]))))

    def _validate_start_from_trigger_kwargs(self) -> None:
        """Airflow looks for callables among the trigger's arguments; ours are text, not written out just for that."""

    def execute(self, context: Context) -> Any:
        """Run the step, and tell the task's outlets what it made."""
        self._take_rendered()
        with self._attempt_of(context):
            return self._with_asset_events(context, self._run_here(context))

    def _take_rendered(self) -> None:
        """Make the step of the arguments as Airflow has rendered them, where they are not those that were given."""
        if self._step_of is None:
            return
        from ..templates import without_literals

        arguments, settings = self.arguments or {}, self.settings or {}
        for name, value in (("arguments", arguments), ("settings", settings)):
            if not isinstance(value, Mapping):
                shown = type(value).__name__
                raise StepFailedForGood(
                    f"{name}= is of type {shown} in this run; it has to be a mapping, as in a request."
                )
        try:
            step = self._step_of(arguments=without_literals(arguments), settings=without_literals(settings))
        except ValueError as error:
            raise StepFailedForGood(str(error)) from None
        self.__dict__["step"] = step

    @contextmanager
    def _attempt_of(self, context: Context) -> Iterator[None]:
        """What is done about an attempt that fails: it says why, is counted, and the last leaves nothing running."""
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

    def _with_asset_events(self, context: Context, result: Any) -> Any:
        if self.outlets:
            from ..integrations.emit_asset_events import emit_for_step

            upstream = self._begun.upstream_results if self._begun is not None else {}
            emit_for_step(self.step, self.outlets, context, result, upstream=upstream)
        return result

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Asked by the OpenLineage provider's listener, after a failure too, in the worker where the task ended."""
        from ..integrations.openlineage import lineage_of_step

        return lineage_of_step(self, task_instance)

    def _run_here(self, context: Context) -> Any:
        """Run the step here; one that waits is submitted here and watched in the triggerer."""
        selection = self._selection(context)
        if selection is not None and selection.role != "selected":
            return self._not_run(selection, context)
        if self.step_type not in WAITING or self.step_type in IN_ONE_PROCESS:
            self._begun = self._attempt(context)
            return self._in_worker(self._begun.run_at_once(), context)
        kept = self._kept_result(context)
        return self.submit_again(context) if kept is None else kept

    def _kept_result(self, context: Context) -> Any:
        """The result of an earlier attempt that ended well; raises the failure of one that did not."""
        from ..runtime.task_store.kept_end import KeptEnd

        kept = KeptEnd(context).read()
        ti = context["ti"]
        for key, value in (kept.get("published") or {}).items():
            ti.xcom_push(key=key, value=value)
        if kept.get("failure") and not self.retry_failed_steps:
            _leave(context, kept.get("left"))
            raise self._failure(str(kept["failure"]))
        if kept.get("result") is not None:
            self.log.info("the step has ended well in an earlier attempt: its result is used")
        return kept.get("result")

    def _selection(self, context: Context) -> StepSelection | None:
        """What a selective run does with this step; ``None`` if the whole pipeline runs."""
        from ..runtime.selective.step import step_selection

        try:
            return step_selection(context, self.step)
        except PipelineError as error:
            raise StepFailedForGood(str(error)) from None

    def _not_run(self, selection: StepSelection, context: Context) -> Any:
        """The earlier result of a reused step; a step that is not selected is skipped."""
        if selection.role == "not selected":
            raise AirflowSkipException("the step is not selected in this run")
        return self._in_worker(self._attempt(context).reuse(selection), context)

    def _run_selected(self, context: Context) -> Any:
        """Run the step where it began, in the triggerer, unless it is not selected in this run or has ended already."""
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
        """Called instead of ``execute`` when the task comes back from the triggerer, also when it ran out of time."""
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
            words = f'Step "{self.step.step or self.task_id}": not done within execution_timeout'
            raise self._failure(f"{words} ({self.execution_timeout}){what}") from None

    def _came_back_before(self, context: Context) -> bool:
        """Whether an earlier attempt came back from the triggerer, and this one has begun nothing yet."""
        from ..execution.journal import entry_from_json
        from ..runtime.step_task import JOURNAL_KEY
        from ..runtime.task_states import own_xcom

        ti = context["ti"]
        entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
        return entry is not None and entry.try_number != ti.try_number

    def resume(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Back from the triggerer: the result, or the failure as an exception of this task."""
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
        """Wait for another job, where a retry policy asks for one; else fail, and leave what is known of the step."""
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

    def submit_again(self, context: Context, event: Any = None) -> Any:
        """Submit here, watch in the triggerer; also after the pause of a retry policy."""
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
        """Airflow holds a deferred task to its execution_timeout only where it began in the triggerer (3.3.2)."""
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
        """The failure of the step itself; ``report`` is what the task log says of it, in place of a traceback."""
        from ..task_log import without_traceback

        kind = StepFailedForNow if self.retry_failed_steps else StepFailedForGood
        return without_traceback(kind(message), report or message)

    def on_kill(self) -> None:
        """Stop what this attempt made.  Runs in a signal handler, so the calls are made in a thread of their own."""
        self._killed = True
        begun = self._begun
        if begun is None or not begun.may_leave_a_job:
            return
        thread = threading.Thread(target=lambda: asyncio.run(begun.stop()), daemon=True)
        thread.start()
        thread.join(ON_KILL_S)


StepOperator._converted = frozenset().union(*map(_converted_by, StepOperator.__mro__))


def _leave(context: Context, result: Any) -> None:
    """Leave what is known of a failed step to those that run on its failure, and to the status task."""
    if result:
        ti = context["ti"]
        ti.xcom_push(key="return_value", value=result)
