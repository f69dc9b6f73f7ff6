"""A definition as a task group in a larger DAG."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet
from airflow.sdk.definitions.param import ParamsDict

from ..definition.problems import PipelineError
from .build import build
from .options import (
    PipelineOptions,
    caller_file,
    check_fail_fast,
    check_on_invalid,
    check_step_names,
    is_placeholder,
    one_line,
    outlet_locations,
    plan_in_stage,
    property_of,
    with_secrets,
)
from .parameters import Parameters, check_defaults, check_schedule, parameters_of, params_of_group, params_with

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from ..runtime.pipeline_value import PipelineValue


class SageMakerPipelineTaskGroup(TaskGroup):
    """A SageMaker pipeline as a task group inside a DAG.

    The pipeline's parameters become params of the DAG unless the DAG already has params with their names.  If groups
    have different defaults or types for a parameter, each has its own param, ``<group id>.<name>``.  Arguments as for
    ``SageMakerPipelineDag``.  ``group.step_tasks["Train"]`` is the task of a step, which can be wired like any other.
    An unusable definition raises its problems; with ``on_invalid="placeholder"`` the group has one task, which fails
    with them.
    """

    parameters: Parameters
    exposed: set[str]  # the params of the DAG that belong to this group

    def __init__(
        self,
        group_id: str,
        definition: object,
        *,
        pipeline_name: str | None = None,
        parameters: Mapping[str, object] | None = None,
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
        stage: str | None = None,
        config: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        options = PipelineOptions.of(locals())
        folder = caller_file().parent
        check_on_invalid(options.on_invalid)
        try:
            plan, options, kwargs = plan_in_stage(definition, options, kwargs, group_id, folder, is_dag=False)
            own = parameters_of(plan, options.parameters)
            plan = with_secrets(plan, own)
            check_step_names(plan, options.steps or {})
            named = outlet_locations(plan, options.outlets, options.records)
            of_steps = options.for_steps()
        except PipelineError as error:
            from .invalid import outcome, placeholder_task

            error, placeholder = outcome(error, options.on_invalid)
            if not placeholder:
                raise error from None
            super().__init__(group_id, **kwargs)
            self.step_tasks: dict[str, BaseOperator] = placeholder_task(error, self.dag, self)
            return
        kwargs.setdefault("tooltip", one_line(plan.description))
        super().__init__(group_id, **kwargs)
        dag: Any = self.dag
        self.parameters, self.exposed = own, set()
        try:
            check_fail_fast(plan, dag.fail_fast)
            params = params_with(dag, self)
            own_params = params_of_group(params, self)
            check_defaults(plan, own_params)
            check_schedule(plan, own_params, dag.schedule)
        except PipelineError as error:
            del self.parameters  # other groups must not take them into account
            if not is_placeholder(options.on_invalid):
                raise
            from .invalid import placeholder_task

            self.step_tasks = placeholder_task(error, self.dag, self)
            return
        source = (definition, folder, {**dict.fromkeys(own.given), **own.secrets}, named)
        before, dag.params = dag.params, ParamsDict()  # every task copies its DAG's params when it is created
        try:
            with self:
                self.step_tasks = build(
                    plan,
                    options.pipeline_name or group_id,
                    options.steps or {},
                    of_steps,
                    source,
                    dag=dag,
                    group=self,
                    at_run=own.at_run,
                )
        except Exception as error:
            if not is_placeholder(options.on_invalid):
                raise
            from .invalid import as_problem, placeholder_task

            params = before
            self._take_apart(dag)
            failed = as_problem(error, plan.source, f'task group "{group_id}"', {})
            self.step_tasks = placeholder_task(failed, dag, self)
        finally:
            dag.params = params

    def _take_apart(self, dag: DAG) -> None:
        """Remove all tasks and params of this group."""
        del self.parameters
        made = {name for name, task in self.children.items() if dag.task_dict.get(name) is task}  # else another's
        for task_id in made:
            del dag.task_dict[task_id]
            dag.task_group.used_group_ids.discard(task_id)
            dag.edge_info.pop(task_id, None)
        for task in dag.task_dict.values():  # upstream tasks whose results are parameters
            task.downstream_task_ids.difference_update(made)
        self.children.clear()

    def property_of(self, step: str, path: str) -> PipelineValue:
        """A property of a step for any other task; see ``SageMakerPipelineDag.property_of``."""
        return property_of(self.step_tasks, step, path)
