"""A definition as a DAG, or as a task group in a bigger one: what users write.

Relative paths are relative to the file that calls; every keyword not named here is Airflow's own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet
from airflow.sdk.definitions.param import ParamsDict

from .. import settings
from ..definition.problems import InvalidPipeline, PipelineError, Problem, did_you_mean
from ..hooks.connection import AwsConnection
from ..plan.source import plan_of
from . import invalid as broken
from .build import Outlets, build
from .parameters import (
    Parameters,
    check_schedule,
    one_owner,
    parameters_of,
    params_of_group,
    params_with,
)

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from ..operators.pipeline_value import PipelineValue
    from ..plan.model import Plan


class SageMakerPipelineDag(DAG):
    """A SageMaker pipeline as a DAG: one task a step, of the step's name.

    :param dag_id: id of the DAG, and name of the pipeline unless ``pipeline_name`` is given
    :param definition: file (JSON or YAML), JSON text, dict, or an SDK pipeline object
    :param parameters: values of the pipeline's parameters, which stay changeable in the trigger form: plain ones,
        Airflow templates (``{"Day": "{{ ds }}"}``) and results of other tasks (``{"Day": latest_day()}``), which a
        task ``pipeline.parameters`` renders once in each run; see docs/parameters.md
    :param steps: Airflow arguments of single steps, ``{"Train": {"pool": "gpu", "retries": 3}}``
    :param aws_conn_id: connection of all steps; ``None`` for boto3's own credential chain, and ``[sagemaker_mlops]
        aws_conn_id`` when left out
    :param region_name: region of all steps; the connection's when left out
    :param assume_role_arn: role that the connection's identity assumes for the steps; one of another account likewise
    :param external_id: what the trust policy of ``assume_role_arn`` asks for as ``sts:ExternalId``
    :param start_in: "triggerer" or "worker": where steps that wait begin
    :param logs: "end", "live" or "off": when container log lines come into the task log
    :param records: where the records of its runs are kept, ``s3://bucket/prefix`` or a folder, "off" for nowhere;
        ``[sagemaker_mlops] records`` when left out
    :param outlets: S3 locations, as URIs or assets, that other DAGs are scheduled on: an event whenever a step has
        written something new at or under one; takes ``records``.  Models that are registered need no mention
    :param max_parallel_steps: MaxParallelExecutionSteps: so many steps of a run at a time, waiting ones too; 0 for any
    :param on_invalid: "import_error" or "placeholder": what becomes of a pipeline that cannot be built;
        ``[sagemaker_mlops] on_invalid`` when left out

    Problems of the definition and of the options are shown as import error of the file: :meth:`validate`, which Airflow
    calls for each DAG, raises ``InvalidPipeline`` or ``UnsupportedPipeline`` with all of them.  Airflow takes the other
    DAGs of such a file for stale.  With ``on_invalid="placeholder"`` they stay, and the broken one is an unscheduled
    DAG with the report as its docs, whose runs fail with it.
    """

    _undescribed: Plan | None = None

    def __init__(
        self,
        dag_id: str,
        definition: Any,
        *,
        pipeline_name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        aws_conn_id: str | ArgNotSet | None = NOTSET,
        region_name: str | None = None,
        assume_role_arn: str | None = None,
        external_id: str | None = None,
        start_in: str | None = None,
        poll_interval_s: float | None = None,
        logs: str | None = None,
        max_parallel_steps: int = 0,
        records: str = "",
        outlets: Sequence[Any] = (),
        on_invalid: str | None = None,
        **kwargs: Any,
    ) -> None:
        caller = _caller_file()
        given = dict(kwargs)
        self._step_tasks: dict[str, BaseOperator] = {}
        failed: PipelineError | None = None
        try:
            broken.check_choice(on_invalid)
            plan = plan_of(definition, caller.parent)
            own = self.parameters = parameters_of(plan, parameters)
            one_owner(own, kwargs.get("params"))
            plan = _with_secrets(plan, own)
            # Of a ParamsDict only items() are params; as a mapping it has their values.
            params = {**own.params, **dict((kwargs.pop("params", None) or {}).items())}
            check_schedule(plan, params, kwargs.get("schedule"))
            _check_step_names(plan, steps or {})
            _check_fail_fast(plan, kwargs.get("fail_fast"))
            named = _named(plan, outlets, records)
            kwargs.setdefault("catchup", False)
            if max_parallel_steps:
                kwargs.setdefault("max_active_tasks", max_parallel_steps)  # steps that hold a worker
            kwargs.setdefault("description", _one_line(plan.description))
            kwargs.setdefault("tags", ["sagemaker"])
            super().__init__(dag_id, **kwargs)
            if "doc_md" not in kwargs:
                self._undescribed = plan
        except Exception as error:
            failed = broken.in_own_words(error, str(dag_id), f'DAG "{dag_id}"', given, type(self))
            self._without_tasks(dag_id, failed, given)
        self.fileloc = str(caller)
        with self:  # Airflow finds a DAG that was a context manager, also when the file keeps it in no variable
            if failed is None:
                try:
                    aws = AwsConnection(settings.connection(aws_conn_id), region_name, assume_role_arn, external_id)
                    options = _own_options(
                        aws, start_in, poll_interval_s, logs, max_parallel_steps=max_parallel_steps, records=records
                    )
                    source = (definition, caller.parent, {**dict.fromkeys(own.given), **own.secrets}, named)
                    self._step_tasks = build(
                        plan, pipeline_name or dag_id, steps or {}, options, source, dag=self, at_run=own.at_run
                    )
                    # Last: every task copies the params its DAG has when it is made, into the serialized DAG as well.
                    self.params = ParamsDict(params)
                except Exception as error:
                    failed = broken.in_own_words(error, plan.source, f'DAG "{dag_id}"', {})
                    self._without_tasks(dag_id, failed, given)
                    self.fileloc = str(caller)
            if failed is not None:
                failed, placeholder = broken.outcome(failed, on_invalid)
                if placeholder:
                    self._step_tasks, failed = broken.placeholder_task(failed, self), None
        errors = broken.errors_of_file(str(caller))
        errors.pop(dag_id, None)
        if failed is not None:
            errors[dag_id] = failed
        self._failed, self._errors = failed, errors if failed is not None else {}

    @property
    def doc_md(self) -> str | None:
        """The docs that the DAG file gives, else the description of the pipeline.

        The description is written when Airflow serializes the DAG: a worker, which parses the file for each task,
        does not need it.
        """
        if self._undescribed is not None:
            from ..plan.describe import pipeline_doc

            self.doc_md = pipeline_doc(self._undescribed)
        return self.__dict__["doc_md"]  # type: ignore[no-any-return]

    @doc_md.setter
    def doc_md(self, text: str | None) -> None:
        self.__dict__["doc_md"] = text
        self._undescribed = None

    def _without_tasks(self, dag_id: str, error: PipelineError, given: Mapping[str, Any]) -> None:
        """Be a DAG without tasks and without a schedule.  Raises ``error`` where not even that can be."""
        try:
            super().__init__(dag_id, **broken.placeholder_options(error, given))
        except Exception:
            raise error from None

    @property
    def step_tasks(self) -> dict[str, BaseOperator]:
        """The tasks by step name, to be wired with others.

        Raises the definition's problems when it has any; of a placeholder, its one task has every name.
        """
        if self._failed is not None:
            raise self._failed
        return self._step_tasks

    def property_of(self, step: str, path: str) -> PipelineValue:
        """A property of a step for a templated argument of any other task, e.g. ``"ModelArtifacts.S3ModelArtifacts"``.

        The task that takes it runs after the step.  Raises ``KeyError`` for a step that is not there, and
        :class:`InvalidPipeline` for a path that cannot be read.
        """
        return _property_of(self.step_tasks, step, path)

    def validate(self) -> None:
        """Called by Airflow when it takes the DAG out of its file: here one DAG is refused, not the whole file."""
        if self._failed is not None:
            raise type(self._failed).several(list(self._errors.values()))
        super().validate()


class SageMakerPipelineTaskGroup(TaskGroup):
    """A SageMaker pipeline as a task group inside a DAG.

    The pipeline's parameters become params of the DAG unless the DAG has params of their names.  Groups whose
    parameters of one name differ in default or type have a param each, ``<group id>.<name>``.  Arguments as for
    :class:`SageMakerPipelineDag`.  ``group.step_tasks["Train"]`` is the task of a step, to be wired like any other.
    A definition that cannot be used raises its problems; with ``on_invalid="placeholder"`` the group has one task,
    which fails with them.
    """

    parameters: Parameters
    exposed: set[str]  # the params of the DAG that are this group's

    def __init__(
        self,
        group_id: str,
        definition: Any,
        *,
        pipeline_name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        aws_conn_id: str | ArgNotSet | None = NOTSET,
        region_name: str | None = None,
        assume_role_arn: str | None = None,
        external_id: str | None = None,
        start_in: str | None = None,
        poll_interval_s: float | None = None,
        logs: str | None = None,
        max_parallel_steps: int = 0,
        records: str = "",
        outlets: Sequence[Any] = (),
        on_invalid: str | None = None,
        **kwargs: Any,
    ) -> None:
        folder = _caller_file().parent
        broken.check_choice(on_invalid)
        aws = AwsConnection(settings.connection(aws_conn_id), region_name, assume_role_arn, external_id)
        try:
            plan = plan_of(definition, folder)
            own = parameters_of(plan, parameters)
            plan = _with_secrets(plan, own)
            _check_step_names(plan, steps or {})
            named = _named(plan, outlets, records)
            options = _own_options(
                aws, start_in, poll_interval_s, logs, max_parallel_steps=max_parallel_steps, records=records
            )
        except PipelineError as error:
            error, placeholder = broken.outcome(error, on_invalid)
            if not placeholder:
                raise error from None
            super().__init__(group_id, **kwargs)
            self.step_tasks: dict[str, BaseOperator] = broken.placeholder_task(error, self.dag, self)
            return
        kwargs.setdefault("tooltip", _one_line(plan.description))
        super().__init__(group_id, **kwargs)
        dag: Any = self.dag
        self.parameters, self.exposed = own, set()
        try:
            _check_fail_fast(plan, dag.fail_fast)
            params = params_with(dag, self)
            check_schedule(plan, params_of_group(params, self), dag.schedule)
        except PipelineError as error:
            del self.parameters  # no other group is to mind them
            if not broken.is_placeholder(on_invalid):
                raise
            self.step_tasks = broken.placeholder_task(error, self.dag, self)
            return
        source = (definition, folder, {**dict.fromkeys(own.given), **own.secrets}, named)
        before, dag.params = dag.params, ParamsDict()  # every task copies the params its DAG has when it is made
        try:
            with self:
                name = pipeline_name or group_id
                self.step_tasks = build(
                    plan, name, steps or {}, options, source, dag=dag, group=self, at_run=own.at_run
                )
        except Exception as error:
            if not broken.is_placeholder(on_invalid):
                raise
            params = before
            self._take_apart(dag)
            failed = broken.in_own_words(error, plan.source, f'task group "{group_id}"', {})
            self.step_tasks = broken.placeholder_task(failed, dag, self)
        finally:
            dag.params = params

    def _take_apart(self, dag: DAG) -> None:
        """Be a group without tasks and params again."""
        del self.parameters
        made = {name for name, task in self.children.items() if dag.task_dict.get(name) is task}  # else another's id
        for task_id in made:
            del dag.task_dict[task_id]
            dag.task_group.used_group_ids.discard(task_id)
            dag.edge_info.pop(task_id, None)
        for task in dag.task_dict.values():  # those whose results are parameters
            task.downstream_task_ids.difference_update(made)
        self.children.clear()

    def property_of(self, step: str, path: str) -> PipelineValue:
        """A property of a step for any other task, as :class:`SageMakerPipelineDag` gives it."""
        return _property_of(self.step_tasks, step, path)


def _with_secrets(plan: Plan, own: Parameters) -> Plan:
    """``plan`` with the secrets of the DAG file as defaults, which are then read in workers only."""
    if not own.secrets:
        return plan
    from ..plan.defaults import with_defaults

    return with_defaults(plan, own.secrets)


def _named(plan: Plan, outlets: Sequence[Any], records: str) -> Outlets:
    if not outlets:
        return ()
    from ..integrations.outlets import locations_of

    return locations_of(plan.source, outlets, records)


def _property_of(tasks: Mapping[str, BaseOperator], step: str, path: str) -> PipelineValue:
    from ..definition.expressions import parse_value
    from ..operators.pipeline_value import PipelineValue
    from ..runtime.step_task import StepTask

    expression = {"Get": f"Steps.{step}.{path}"}
    parse_value(expression, f"property_of({step!r}, {path!r})")
    task: Any = tasks[step]
    if hasattr(task, "add_output"):  # an Airflow operator of another package pushes all it has
        task.add_output(path)
    known = getattr(task, "step", None)
    connection = known.connection if known is not None else AwsConnection()
    return PipelineValue(expression, StepTask("", {}, reads={step: task.task_id}, connection=connection), (task,))


def _check_step_names(plan: Plan, steps: Mapping[str, Any]) -> None:
    problems = [
        Problem("SM403", f"steps[{name!r}]", f'no step is called "{name}".', did_you_mean(name, plan.by_id))
        for name in steps
        if name not in plan.by_id
    ]
    problems += [
        problem
        for name, options in steps.items()
        if isinstance(options, Mapping)
        for problem in settings.problems_of(options, f"steps[{name!r}]")
    ]
    problems += [
        Problem("SM403", f"steps[{name!r}]", f'the options of "{name}" are an object.', 'Write {"retries": 2}.')
        for name, options in steps.items()
        if not isinstance(options, Mapping)
    ]
    if problems:
        raise InvalidPipeline(plan.source, problems)


def _check_fail_fast(plan: Plan, fail_fast: Any) -> None:
    """Airflow allows only tasks that stop at a failure in such a DAG (``FailFastDagInvalidTriggerRule``, 3.3.2)."""
    if fail_fast:
        what = (
            "fail_fast=True cannot be used with a pipeline: pipeline.status has to run after a step has failed, to "
            "stop the jobs of the others and to seal the record, and Airflow refuses such a task in a fail_fast DAG."
        )
        fix = "Leave fail_fast out. Steps behind a failed one do not run, and the run fails once the others have ended."
        raise InvalidPipeline(plan.source, [Problem("SM420", "fail_fast", what, fix)])


def _own_options(
    aws: AwsConnection,
    start_in: str | None,
    poll_interval_s: float | None,
    logs: str | None,
    *,
    max_parallel_steps: int,
    records: str,
) -> dict[str, Any]:
    """Options of all steps; what is not given is read from Airflow's configuration once, not once a step."""
    given = {"start_in": start_in, "logs": logs, "poll_interval_s": poll_interval_s}
    settings.check_choices({**given, "max_parallel_steps": max_parallel_steps}, "DAG")
    return {
        "aws_conn_id": aws.aws_conn_id,
        "region_name": aws.region_name or settings.region_name(),
        "assume_role_arn": aws.assume_role_arn,
        "external_id": aws.external_id,
        "start_in": start_in or settings.start_steps_in(),
        "poll_interval_s": settings.poll_interval_s() if poll_interval_s is None else poll_interval_s,
        "logs": logs or "end",
        "max_parallel_steps": max_parallel_steps,
        "records": records,
    }


def _caller_file() -> Path:
    """The DAG file: the first caller outside this module and outside Airflow's own wrappers of ``__init__``."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        if name != __file__ and "/airflow/sdk/" not in name and "\\airflow\\sdk\\" not in name:
            return Path(name)
        frame = frame.f_back
    return Path.cwd() / "dag.py"


def _one_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
