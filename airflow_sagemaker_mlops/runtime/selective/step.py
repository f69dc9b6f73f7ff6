"""What one step does in a run that was asked for a part of its pipeline: run, give an earlier result, or nothing.

In a worker, where the definition is at hand.  Blocking.  What a run asks for stays in its conf, so it holds for every
attempt; nothing is kept in the tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...definition.problems import PipelineError
from ...plan.model import VERDICT_TASK_ID
from ..parameter_values import all_here, param_name
from ..task_states import refusal
from .conf import (
    asks_for_a_part,
    choice_in,
    misspelt,
    needs_a_look,
    pipelines_in,
)

if TYPE_CHECKING:
    from ...plan.model import Plan
    from ...plan.selection import Part as Kind
    from ...records.capture.recorder import Recorder
    from ...records.model.step_record import Artifact
    from ...records.reuse.earlier_results import ReusingRecorder
    from ...records.reuse.selective_run import SelectivePlan
    from ..pipeline_source import Source
    from ..step_task import StepTask

NO_RECORDS = "Turn records on: records= of the DAG, or records under [sagemaker_mlops] in Airflow's configuration."
_LAST: list[tuple[Any, StepSelection | None]] = []  # task instance and share: a step asks several times


@dataclass(frozen=True, slots=True)
class PartOfRun:
    """The part of a pipeline that a run was asked for, checked.

    prefix       what task ids have before the names of steps
    parameters   values of the run that is resumed, of those parameters that the conf does not give
    """

    prefix: str
    plan: Plan
    part: SelectivePlan
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def left_out(self) -> list[str]:
        """Task ids of the steps that do nothing."""
        return [self.prefix + step for step in self.part.selection.left_out]

    @property
    def reused(self) -> list[str]:
        """Task ids of the steps that give an earlier result."""
        return [self.prefix + step for step in self.part.selection.reused]

    def lines(self, context: Any) -> Iterator[str]:
        """For a task log: what runs, and what may be unexpected about it."""
        yield from self.part.lines()
        values = all_here([parameter.name for parameter in self.plan.parameters], self.prefix.rstrip("."), context)
        yield from self.part.remarks(self.plan, {**values, **self.parameters})


@dataclass(frozen=True, slots=True)
class StepSelection:
    """What the run wants of the step ``name``."""

    name: str
    of: PartOfRun

    @property
    def kind(self) -> Kind:
        """Whether the step is selected, reused or left out."""
        return self.of.part.selection.part(self.name)

    @property
    def earlier_result(self) -> dict[str, Any]:
        """The result of a reused step, as it is passed on."""
        from ...records.reuse.earlier_results import reused_result

        source = self.of.part.source
        return reused_result(source, self.name) if source is not None else {}

    @property
    def inherited(self) -> Mapping[str, Any]:
        """Values of the run that is resumed, by parameter name, of what the conf does not give."""
        return self.of.parameters

    def recorder(self, recorder: Recorder) -> Recorder | ReusingRecorder:
        """``recorder``, with the earlier results of reused steps."""
        return self.of.part.recorder(recorder)


class InvalidConf(PipelineError):
    """The conf of a run names something that the DAG does not have."""

    headline = "cannot be run with this conf"
    consequence = "nothing was started"


def refuse_misspelt(context: Any) -> None:
    """Raise :class:`InvalidConf` (SM416) when the conf of the run in ``context`` has keys that are nobody's."""
    ti, conf = context["ti"], context["dag_run"].conf
    problems = misspelt(conf, ti.task.dag) if conf else []
    if problems:
        raise InvalidConf(f"DAG {ti.dag_id}", problems)


def share_of(context: Any, step: StepTask) -> StepSelection | None:
    """The share of the task in ``context``; ``None`` when the whole pipeline runs.

    Raises :class:`InvalidSelection` with everything that keeps the part from running, or
    :class:`InvalidConf` for a conf with misspelt keys, and leaves it as the task's result: the verdict then knows that
    the step has not begun.
    """
    ti = context["ti"]
    if not needs_a_look(context["dag_run"].conf, ti.task.dag):
        return None
    if not _LAST or _LAST[0][0] is not ti:
        try:
            _LAST[:] = [(ti, _share_of(context, step))]
        except PipelineError as error:
            ti.xcom_push(key="return_value", value=refusal(str(error)))
            raise
    return _LAST[0][1]


def _share_of(context: Any, step: StepTask) -> StepSelection | None:
    ti = context["ti"]
    name = step.step or ti.task_id
    group = ti.task_id.removesuffix(name).rstrip(".")
    verdict = ti.task.dag.task_dict.get(f"{group}.{VERDICT_TASK_ID}".lstrip("."))
    found = part_of_run(context, verdict.source if verdict is not None else None, look=_look_as(step))
    # What is not in the plan is an operator that was written into the DAG by hand.
    return StepSelection(name, found) if found is not None and name in found.plan.by_id else None


def _look_as(step: StepTask) -> Callable[[Artifact], Artifact]:
    """Looks at outputs with the credentials of ``step``, at its first look."""

    def look(artifact: Artifact) -> Artifact:
        from ...hooks.aws import aws_for
        from ...records.capture.fingerprint import fingerprint

        aws = aws_for(*step.access)
        now = fingerprint(aws.client("s3"), artifact)
        return artifact if now.objects is None else now  # another account's: whoever reads it will see

    return look


def part_of_run(
    context: Any, source: Source | None, *, look: Callable[[Artifact], Artifact] | None = None
) -> PartOfRun | None:
    """What the run in ``context`` was asked for of the pipeline ``source``; ``None`` for all of it.

    source   ``None`` for tasks that belong to no pipeline
    look     an output as it is now; without it nobody looks whether it is still there

    Raises as :func:`share_of`.
    """
    ti, conf = context["ti"], context["dag_run"].conf
    dag = ti.task.dag
    if source is not None:
        refuse_misspelt(context)
    if not asks_for_a_part(conf):
        return None
    choice = choice_in(conf, source.group if source is not None else "", pipelines_in(dag))
    if choice is None or source is None:
        return None
    from ...plan.selection import InvalidSelection
    from ...plan.source import plan_of
    from ...records.reuse.selective_run import merged
    from ...records.reuse.source_run import pinned_part
    from ...settings import location_of
    from ..recorder import open_records, record_id
    from .conflicts import cut_off

    plan = plan_of(source.definition, source.folder)
    location = location_of(source.records)
    store = open_records(location) if location else None
    pipeline = record_id(ti.dag_id, source.group)
    if source.mapped:  # each instance goes on with what the same one did
        choice = choice.of_instance(ti.map_index)
    part = pinned_part(choice, plan, pipeline, store, source.run_name(ti), look=look, no_records=NO_RECORDS)
    problems = list(cut_off(dag, source.group, part.selection))
    if problems:
        raise InvalidSelection(plan.source, problems)
    keys = {parameter.name: param_name(parameter.name, source.group, dag.params) for parameter in plan.parameters}
    given = {name: conf[key] for name, key in keys.items() if conf.get(key) is not None}
    values = merged(plan, given, part.inherited)
    prefix = f"{source.group}." if source.group else ""
    return PartOfRun(prefix, plan, part, {name: value for name, value in values.items() if name not in given})
