"""``Plan`` -> the tasks of a DAG: creates one operator per task and wires them."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup

from .. import operators
from ..definition.problems import InvalidPipeline, Problem
from ..definition.step_types import AIRFLOW, operator_name
from ..hooks.connection import AwsConnection
from ..plan.edges import needed_edges
from ..plan.model import INVALID_TASK_ID, PARAMETERS_TASK_ID, STATUS_TASK_ID, TEARDOWN_TASK_ID
from ..runtime.step_task import PipelineSource, StepTask
from ..settings import OFF, location_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from ..plan.model import Plan, TaskPlan, Upstream

Outlets = tuple[tuple[str, str], ...]  # (name, URI) of assets
Given = tuple[Any, Path, Mapping[str, Any], Outlets]  # definition, base folder, changed defaults
OWN_OPTIONS = frozenset(
    {*AwsConnection.__slots__, "start_in", "poll_interval_s", "logs", "max_parallel_steps", "records"}
)
_OWN_IDS = (STATUS_TASK_ID, PARAMETERS_TASK_ID, TEARDOWN_TASK_ID, INVALID_TASK_ID)
_OWN_ENDS = tuple(f".{name}" for name in _OWN_IDS)


@contextmanager
def garbage_later() -> Iterator[None]:
    """Pause the collector: with Airflow in memory, every full pass takes tens of milliseconds and finds nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@garbage_later()
def build(
    plan: Plan,
    pipeline_name: str,
    steps: Mapping[str, Mapping[str, Any]],
    options: Mapping[str, Any],
    source: Given,
    *,
    dag: DAG,
    group: TaskGroup | None = None,
    at_run: Mapping[str, Any] | None = None,
) -> dict[str, BaseOperator]:
    """Create the operators of ``plan`` in ``dag`` and wire them.  Tasks are returned by step name.

    at_run   parameters that are rendered in each run, by name; the first task of the pipeline renders them
    """
    from ..operators.base import StepOperator

    prefix = f"{group.group_id}." if group is not None and group.prefix_group_id else ""
    foreign = tuple(prefix + task.task_id for task in plan.tasks if task.step_type == AIRFLOW)
    mapped = group is not None and next(group.iter_mapped_task_groups(), None) is not None
    apart = str(group.group_id) if group is not None and _has_pipeline(dag) else ""
    _check_ids(plan, prefix, dag, group, at_run or ())
    tasks: dict[str, BaseOperator] = {}
    recorded_in = location_of(options["records"]) or OFF  # reads Airflow's configuration once
    of_all = {
        "pipeline": "" if pipeline_name == dag.dag_id else pipeline_name,
        "mapped": mapped,
        "group": apart,
    }
    shared = _Options(options, foreign, of_all)
    for task in plan.tasks:
        given = steps.get(task.task_id)
        own = _Options({**options, **given}, foreign, of_all) if given else shared
        if task.step_type == "Status":
            named = PipelineSource(
                *source[:2],
                pipeline_name,
                prefix.rstrip("."),
                source[2],
                recorded_in,
                outlets=source[3],
                connection=_connection(options),
                mapped=mapped,
            )
            tasks[task.task_id] = _status_task(plan, prefix, tasks, own, dag, source=named, last_of_dag=group is None)
        else:
            tasks[task.task_id] = _operator(task, prefix, own, dag)
    ruled = any(one.trigger_rule != "all_success" for one in tasks.values() if isinstance(one, StepOperator))
    edges = {} if ruled else needed_edges(plan.tasks)
    for task in plan.tasks:
        _wire(tasks, task, edges.get(task.task_id, task.upstream), dag)
    if at_run:
        _renders_first(plan, at_run, prefix, tasks, dag)
    wire_all = partial(_wire_all, plan, tasks, dag)
    if ruled:
        wire_all()
    else:
        for operator in tasks.values():
            if isinstance(operator, StepOperator):
                operator.__dict__["_rule_changed"] = wire_all
    if group is not None:
        status_task: Any = tasks[STATUS_TASK_ID]
        status_task.stand_in()
    return tasks


def _check_ids(plan: Plan, prefix: str, dag: DAG, group: TaskGroup | None, at_run: Collection[str]) -> None:
    """Raise :class:`InvalidPipeline` (SM230) if a task's id is already taken or reserved."""
    ends = {task.task_id: task.step_type for task in plan.tasks}
    if at_run:
        ends[PARAMETERS_TASK_ID] = "Parameters"
    if group is not None:
        ends[TEARDOWN_TASK_ID] = "Teardown"
    place = f'task group "{group.group_id}"' if group is not None else f'DAG "{dag.dag_id}"'
    problems = []
    used = dag.task_group.used_group_ids
    for name in ends:
        is_taken = f"{prefix}{name}" in used
        if not is_taken and not prefix:
            continue
        what = f'the step "{name}"' if name not in _OWN_IDS else f"the pipeline's own task {name}"
        said = f'{what} of {place} would have the task id "{prefix}{name}"'
        if is_taken:
            taken = _owner(dag, f"{prefix}{name}")
            problems.append(
                Problem("SM230", name, f"{said}, as {taken} has.", "Rename one of them, or its task group.")
            )
        elif name not in _OWN_IDS and f".{prefix}{name}".endswith(_OWN_ENDS):
            fix = "Rename the step or the task group."
            problems.append(Problem("SM230", name, f"{said}, which is reserved for the pipeline itself.", fix))
    if problems:
        raise InvalidPipeline(plan.source, problems)


def _owner(dag: DAG, task_id: str) -> str:
    """Describe what has the id ``task_id`` in ``dag``."""
    task: Any = dag.task_dict.get(task_id)
    if task is None:
        return "a task group of the DAG"
    step = getattr(task, "step", None)
    where = f'task group "{task.task_group.group_id}"' if task.task_group and task.task_group.group_id else "the DAG"
    return f'the step "{step.step or task_id}" of {where}' if isinstance(step, StepTask) else f"a task of {where}"


def _has_pipeline(dag: DAG) -> bool:
    """Whether ``dag`` already has a pipeline, even a broken one, which keeps the run's id once it is fixed."""
    ends = (f".{STATUS_TASK_ID}", f".{INVALID_TASK_ID}")
    return any(f".{name}".endswith(ends) for name in dag.task_dict)


def _wire_all(plan: Plan, tasks: Mapping[str, BaseOperator], dag: DAG) -> None:
    """Wire every edge of the plan, and every task to the status task, because a user's trigger rule implies no edge."""
    from ..operators.base import stand_before

    for task in plan.tasks:
        _wire(tasks, task, task.upstream, dag)
    stand_before(tasks[STATUS_TASK_ID], (tasks[name] for name in tasks if name != STATUS_TASK_ID))


def _renders_first(
    plan: Plan, at_run: Mapping[str, Any], prefix: str, tasks: Mapping[str, BaseOperator], dag: DAG
) -> None:
    """Add the task that renders ``at_run`` upstream of the steps without upstreams."""
    from ..operators.pipeline_tasks import PipelineParametersOperator

    first = PipelineParametersOperator(
        task_id=PARAMETERS_TASK_ID,
        task_display_name="parameters",
        values=dict(at_run),
        declared={parameter.name: parameter for parameter in plan.parameters if parameter.name in at_run},
        group=prefix.rstrip("."),
        dag=dag,
    )
    for name, task in tasks.items():
        if name != STATUS_TASK_ID and not task.upstream_task_ids:
            task.upstream_task_ids.add(first.task_id)
            first.downstream_task_ids.add(task.task_id)


def _wire(tasks: Mapping[str, BaseOperator], task: TaskPlan, edges: Iterable[Upstream], dag: DAG) -> None:
    """Same as ``set_upstream``, which hashes every task id of the DAG per call to check that it is one DAG."""
    below = tasks[task.task_id]
    for edge in edges:
        above = tasks[edge.task_id]
        below.upstream_task_ids.add(above.task_id)
        above.downstream_task_ids.add(below.task_id)
        if edge.label:
            dag.set_edge_info(above.task_id, below.task_id, {"label": edge.label})


class _Options:
    """The options of a step, sorted once for all steps with the same options.

    start_in   where a step with a job starts
    of_step    arguments of its ``StepTask``
    airflows   Airflow's own arguments of its operator
    """

    __slots__ = ("airflows", "of_step", "start_in")

    def __init__(self, options: Mapping[str, Any], foreign: tuple[str, ...], of_all: Mapping[str, Any]) -> None:
        self.start_in = options["start_in"]
        self.of_step = {
            "connection": _connection(options),
            "poll_interval_s": options["poll_interval_s"],
            "logs": options["logs"],
            "max_parallel_steps": options["max_parallel_steps"],
            "foreign": foreign if options["max_parallel_steps"] else (),
            "records": options["records"],
            **of_all,
        }
        self.airflows = {key: value for key, value in options.items() if key not in OWN_OPTIONS}


def _operator(task: TaskPlan, prefix: str, options: _Options, dag: DAG) -> BaseOperator:
    arguments: dict[str, Any] = {"task_id": task.task_id, "dag": dag}
    if task.display_name:
        arguments["task_display_name"] = task.display_name
    if task.step_type == "RunCondition":
        triggers = {prefix + name: trigger for name, trigger in task.triggers.items()}
        return operators.RunConditionOperator(triggers=triggers, **arguments, **options.airflows)  # type: ignore[no-any-return]
    if task.description or task.step_type == "Condition":
        from ..plan.describe import step_doc

        if doc := step_doc(task):
            arguments["doc_md"] = doc
    if task.step_type == "Condition":
        sides = task.spec.branches.items()
        arguments["branches"] = {side: [prefix + name for name in names] for side, names in sides}
    reads = {name: prefix + name for name in task.reads}
    step = StepTask(
        type=task.step_type,
        spec=task.spec,
        step=task.task_id if prefix else "",
        reads=reads,
        **options.of_step,
    )
    if task.step_type == "RegisterModel":
        arguments["outlets"] = _events_of(dag, prefix)
    arguments.update(options.airflows)
    if task.step_type == AIRFLOW:
        from ..operators.airflow_operator import foreign_operator

        return foreign_operator(step, arguments)
    operator = getattr(operators, operator_name(task.step_type))
    return operator(step=step, start_in=options.start_in, **arguments)  # type: ignore[no-any-return]


def _connection(options: Mapping[str, Any]) -> AwsConnection:
    return AwsConnection(**{name: options[name] or None for name in AwsConnection.__slots__})


def _status_task(
    plan: Plan,
    prefix: str,
    tasks: Mapping[str, BaseOperator],
    options: _Options,
    dag: DAG,
    *,
    source: PipelineSource,
    last_of_dag: bool,
) -> BaseOperator:
    task, handlers = plan.by_id[STATUS_TASK_ID], plan.handlers.items()
    steps, recorded = plan.step_types.items(), bool(location_of(source.records))
    registers = any(kind == "RegisterModel" and tasks[name].outlets for name, kind in steps)
    # A model that a later step approves is published at the end.
    outlets = {"outlets": _events_of(dag, prefix)} if source.outlets or (recorded and registers) else {}
    return operators.PipelineStatusOperator(  # type: ignore[no-any-return]
        task_id=task.task_id,
        task_display_name=task.display_name,
        dag=dag,
        steps={prefix + name: step_type for name, step_type in steps},
        handlers={prefix + step: {prefix + other: trigger for other, trigger in by.items()} for step, by in handlers},
        # A worker seals the record, because it has the definition.
        in_triggerer=not recorded,
        source=source,
        last_of_dag=last_of_dag,
        **{**outlets, **options.airflows},
    )


def _events_of(dag: DAG, prefix: str) -> list[Any]:
    """An alias with the pipeline's name, so that ``schedule=AssetAlias("abalone")`` covers everything that it creates.

    Airflow sends an event for an outlet at every success, but for an alias only if an event was added to it.
    """
    from airflow.sdk import AssetAlias

    from ..record_ids import record_id

    return [AssetAlias(record_id(dag.dag_id, prefix.rstrip(".")))]
