"""The base class of all step operators: how a step is given, and how its task is wired; :mod:`.attempt` runs it.

The plan knows which steps' ends are implied by downstream tasks (``plan.edges``), as long as nothing else ends those
tasks early.  For steps that users wire or configure, the status task gets extra edges.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.sdk import BaseOperator
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet

from .. import settings as configured
from ..airflow_versions import STARTS_IN_TRIGGERER
from ..definition.step_types import WAITING
from ..hooks.connection import AwsConnection
from ..links import LINKS
from ..plan.model import STATUS_TASK_ID
from ..runtime.infrastructure_retries import INFRASTRUCTURE_RETRIES, outlast_outages
from ..runtime.step_task import StepTask
from .attempt import StepAttempts

if TYPE_CHECKING:
    from airflow.sdk import TriggerRule

    from ..runtime.start_in_triggerer import StartInTriggerer


class LazyAttribute:
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


def stand_before(status_task: BaseOperator, tasks: Iterable[BaseOperator]) -> None:
    """Have the status task wait for ``tasks`` themselves."""
    for task in tasks:
        task.downstream_task_ids.add(status_task.task_id)
        status_task.upstream_task_ids.add(task.task_id)


class StepOperator(StepAttempts):
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

    template_fields: Sequence[str] = ("arguments", "settings")  # without a definition; a plan is never rendered
    _retry_failed_steps: bool | None = None  # as given; the default depends on ``retries``
    _start_in: str
    _is_standalone = False
    _begins_in_worker: ClassVar[bool] = False
    _rule_changed: Callable[[], None] | None = None  # wires edges that the trigger rules no longer imply
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
            from ..runtime.standalone_step import standalone_step

            options: dict[str, Any] = {
                "logs": logs,
                "poll_interval_s": poll_interval_s,
                "max_parallel_steps": max_parallel_steps,
            }
            choices = {"start_in": start_in, **options, "retry_failed_steps": retry_failed_steps}
            configured.check_choices(choices, f'task "{kwargs.get("task_id", "")}"')
            options |= {"outputs": outputs, "reads": reads, "pipeline": pipeline}
            options["connection"] = _connection(aws_conn_id, region_name, assume_role_arn, external_id)
            self._is_standalone = True
            step_of = functools.partial(standalone_step, self.step_type, **options)
            step, own = _known_when_parsed(step_of, arguments, settings)
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

    start_from_trigger = LazyAttribute(_starts_from_trigger, False)
    start_trigger_args = LazyAttribute(_start_arguments, None)

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
        """Make the status task wait for everything that this task waits for, because this task may now end early."""
        if self._is_standalone or not self.has_dag():
            return  # no status task of a pipeline can wait for it
        tasks: dict[str, Any] = self.dag.task_dict
        prefix = self.task_id.removesuffix(self.step.step or self.task_id)
        status_task = tasks.get(prefix + STATUS_TASK_ID)
        if status_task is None or self.task_id not in status_task.steps:
            return  # a step that is being created
        before: set[str] = set()
        left = [self.task_id]
        while left:
            above = tasks[left.pop()].upstream_task_ids - before
            own = {name for name in above if name in status_task.steps}
            before |= own
            left += own
        stand_before(status_task, (tasks[name] for name in before))

    def add_output(self, path: str) -> None:
        """Also push the property at ``path``, for a task outside the pipeline."""
        spec = self.step.spec
        if spec.outputs != "all" and path not in spec.outputs:
            self.step = replace(self.step, spec=replace(spec, outputs=tuple(sorted([*spec.outputs, path]))))

    def _validate_start_from_trigger_kwargs(self) -> None:
        """Skip Airflow's search for callables in the trigger's arguments: ours are text, and building them is slow."""


def _connection(
    aws_conn_id: str | ArgNotSet | None, region_name: str | None, assume_role_arn: str | None, external_id: str | None
) -> AwsConnection:
    region = region_name or configured.region_name()
    return AwsConnection(configured.connection(aws_conn_id), region, assume_role_arn, external_id)


def _known_when_parsed(
    step_of: Callable[..., StepTask], arguments: Mapping[str, object] | None, settings: Mapping[str, object] | None
) -> tuple[StepTask, dict[str, Any]]:
    """The step without what is known only in a run, and the operator's attributes that add that in a worker."""
    from ..templates import is_known_at_run, known_now

    own: dict[str, Any] = {"arguments": arguments, "settings": settings, "_step_of": step_of}
    if not is_known_at_run(arguments) and not is_known_at_run(settings):
        own["template_fields"] = ()
    return step_of(arguments=known_now(arguments) or {}, settings=known_now(settings) or {}), own


StepOperator._converted = frozenset().union(*map(_converted_by, StepOperator.__mro__))
