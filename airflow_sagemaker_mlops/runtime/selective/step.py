"""What one step does in a selective run: run, return an earlier result, or be skipped.

For workers, which have the definition.  Blocking.  The request stays in the run's conf, so every attempt finds it; the
tasks store nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...definition.problems import PipelineError, Problem
from ...plan.model import STATUS_TASK_ID
from ..parameter_values import all_here, param_name
from ..task_states import map_index_of, refusal, run_name_of
from .conf import (
    is_selective,
    misspelt,
    needs_worker,
    pipelines_in,
    request_in,
)

if TYPE_CHECKING:
    from airflow.sdk import DAG, Context

    from ...plan.selection import Role, Selection
    from ...records.capture.recorder import Recorder
    from ...records.model.step_record import Artifact
    from ...records.reuse.selective_run import SelectivePlan
    from ...records.reuse.source_run import ReusingRecorder
    from ..step_task import PipelineSource, StepTask

# Trigger rules with which Airflow skips a task if an upstream was skipped.
_SKIPPED = frozenset({"all_success", "none_skipped"})
NO_RECORDS = "Turn on records: records= of the DAG, or records under [sagemaker_mlops] in Airflow's configuration."
_LAST: list[tuple[Any, StepSelection | None]] = []  # task instance and its selection: a step asks several times


@dataclass(frozen=True, slots=True)
class StepSelection:
    """What a selective run does with the step ``name``."""

    name: str
    plan: SelectivePlan

    @property
    def role(self) -> Role:
        """Whether the step is selected, reused or not selected."""
        return self.plan.selection.role_of(self.name)

    @property
    def earlier_result(self) -> dict[str, Any]:
        """The source run's result of a reused step, as later steps receive it."""
        from ...records.reuse.source_run import reused_result

        source = self.plan.source
        return reused_result(source, self.name) if source is not None else {}

    @property
    def inherited(self) -> Mapping[str, Any]:
        """Parameter values of the resumed run that the conf does not give, by name."""
        return self.plan.inherited

    def recorder(self, recorder: Recorder) -> Recorder | ReusingRecorder:
        """``recorder``, which returns the source run's results for reused steps."""
        return self.plan.recorder(recorder)


def log_lines(selective: SelectivePlan, group: str, context: Context) -> Iterator[str]:
    """Lines for a task log: what runs, and what the user may not expect.

    group   task group of the pipeline, "" if it is the whole DAG
    """
    yield from selective.lines()
    values = all_here([parameter.name for parameter in selective.plan.parameters], group, context)
    yield from selective.remarks({**values, **selective.inherited})


class InvalidConf(PipelineError):
    """The conf of a run names something that the DAG does not have."""

    headline = "cannot be run with this conf"
    consequence = "nothing was started"


def refuse_misspelt(context: Context) -> None:
    """Raise :class:`InvalidConf` (SM416) if the conf of the run in ``context`` has unknown keys."""
    ti, conf = context["ti"], context["dag_run"].conf
    problems = misspelt(conf, ti.task.dag) if conf else []
    if problems:
        raise InvalidConf(f"DAG {ti.dag_id}", problems)


def step_selection(context: Context, step: StepTask) -> StepSelection | None:
    """What the run in ``context`` does with its task; ``None`` if the whole pipeline runs.

    Raises :class:`InvalidSelection` with every reason why the request cannot run, or :class:`InvalidConf` for a conf
    with misspelt keys, and pushes the message as the task's result: it tells the status task that the step has not
    started.
    """
    ti = context["ti"]
    if not needs_worker(context["dag_run"].conf, ti.task.dag):
        return None
    if not _LAST or _LAST[0][0] is not ti:
        try:
            _LAST[:] = [(ti, _step_selection(context, step))]
        except PipelineError as error:
            ti.xcom_push(key="return_value", value=refusal(str(error)))
            raise
    return _LAST[0][1]


def _step_selection(context: Context, step: StepTask) -> StepSelection | None:
    ti = context["ti"]
    name = step.step or ti.task_id
    group = ti.task_id.removesuffix(name).rstrip(".")
    status_task: Any = ti.task.dag.task_dict.get(f"{group}.{STATUS_TASK_ID}".lstrip("."))
    found = selective_plan_in(
        context, status_task.source if status_task is not None else None, inspect=_inspect_as(step)
    )
    # An operator that is not in the plan is used without a definition.
    return StepSelection(name, found) if found is not None and name in found.plan.by_id else None


def _inspect_as(step: StepTask) -> Callable[[Artifact], Artifact]:
    """Inspects outputs with the credentials of ``step``; the client is created for the first one."""

    def inspect(artifact: Artifact) -> Artifact:
        from ...hooks.aws import aws_for
        from ...records.capture.fingerprint import fingerprint

        aws = aws_for(step.connection)
        now = fingerprint(aws.client("s3"), artifact)
        return artifact if now.objects is None else now  # in another account: the step that reads it will find out

    return inspect


def selective_plan_in(
    context: Context, source: PipelineSource | None, *, inspect: Callable[[Artifact], Artifact] | None = None
) -> SelectivePlan | None:
    """The selective plan of the run in ``context`` for the pipeline ``source``; ``None`` if all of it runs.

    source    ``None`` for tasks that belong to no pipeline
    inspect   returns an output as it is now; if omitted, nobody checks that outputs still exist

    Raises like :func:`step_selection`.
    """
    ti, conf = context["ti"], context["dag_run"].conf or {}
    dag = ti.task.dag
    if source is not None:
        refuse_misspelt(context)
    if not is_selective(conf):
        return None
    request = request_in(conf, source.group if source is not None else "", pipelines_in(dag))
    if request is None or source is None:
        return None
    from ...plan.build import plan_of
    from ...plan.selection import InvalidSelection
    from ...record_ids import record_id
    from ...records.reuse.selective_run import merge_parameters, selective_plan_of_run
    from ...settings import location_of
    from ..recorder import open_records

    plan = plan_of(source.definition, source.folder)
    location = location_of(source.records)
    store = open_records(location) if location else None
    pipeline = record_id(ti.dag_id, source.group)
    if source.mapped:  # each instance resumes its own earlier instance
        request = request.of_instance(map_index_of(ti))
    checked = selective_plan_of_run(
        request, plan, pipeline, store, run_name_of(ti, mapped=source.mapped), inspect=inspect, no_records=NO_RECORDS
    )
    problems = list(_cut_off(dag, source.group, checked.selection))
    if problems:
        raise InvalidSelection(plan.source, problems)
    keys = {parameter.name: param_name(parameter.name, source.group, dag.params) for parameter in plan.parameters}
    given = {name: conf[key] for name, key in keys.items() if conf.get(key) is not None}
    values = merge_parameters(plan, given, checked.inherited)
    return replace(checked, inherited={name: value for name, value in values.items() if name not in given})


def _cut_off(dag: DAG, group: str, selection: Selection) -> Iterator[Problem]:
    """Selected and reused steps that Airflow would skip: other tasks connect them to a step that is not selected.

    group   of the pipeline in ``dag``; "" if it is the whole DAG
    """
    prefix = f"{group}." if group else ""
    not_selected = {prefix + name for name in selection.not_selected}
    wanted = {prefix + name for name in (*selection.selected, *selection.reused)}
    tasks = dag.task_dict
    for name in sorted(wanted):
        seen = {name}
        stack = [name]
        while stack:
            below = stack.pop()
            if str(getattr(tasks[below].trigger_rule, "value", tasks[below].trigger_rule)) not in _SKIPPED:
                continue
            for above in sorted(tasks[below].upstream_task_ids - seen - wanted):
                seen.add(above)
                if above not in not_selected:
                    stack.append(above)
                    continue
                step, other = name.removeprefix(prefix), above.removeprefix(prefix)
                what = f'"{step}" waits for "{below}", which waits for "{other}", which is not selected.'
                yield Problem("SM412", f"$.Steps.{step}", what, f"Select {other} as well.")
