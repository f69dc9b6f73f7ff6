"""The last task of a pipeline: computes the final status as SageMaker Pipelines would, and ends accordingly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator, Context

from ..airflow_versions import (
    STARTS_IN_TRIGGERER,
    AirflowFailException,
    AirflowSkipException,
)
from ..definition.problems import PipelineError
from ..definition.step_types import WAITING
from ..links import RunPageLink, RunRecordLink
from ..plan.model import TEARDOWN_TASK_ID
from ..runtime.infrastructure_retries import outlast_outages
from ..settings import location_of
from .base import LazyAttribute

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from ..records.reuse.selective_run import SelectivePlan
    from ..records.seal.seal import Sealed
    from ..runtime.pipeline_status import Conclusion
    from ..runtime.start_in_triggerer import StartStatusInTriggerer
    from ..runtime.step_task import PipelineSource


class PipelineFailed(AirflowFailException):
    """The pipeline ended as Failed; the message names the failed steps."""


class PipelineStatusOperator(BaseOperator):
    """Fails if a step failed and no other step handled that; succeeds otherwise.  Stops jobs that are still running.

    If an upstream task skipped the whole pipeline, it is skipped as well, and so are its downstream tasks.

    A skipped leaf counts as success for Airflow, so without this task a failed step before a branch that was not taken
    could leave a green run.  As the DAG's teardown it also runs when a user marks the run failed, which skips all tasks
    that have not started.

    :param steps: {task id: step type} of the pipeline
    :param handlers: {task id: {other task id: trigger}} of the steps that run if it fails or is stopped
    :param in_triggerer: conclude in the triggerer, without a worker, unless the run failed; set if all steps with jobs
        start there
    :param last_of_dag: be the teardown that decides how the DAG run ends
    :param source: the pipeline's own part of a run's record; without it, no record is sealed
    :param stands_in_for: task id of a status task that has downstream tasks, so that it cannot be a teardown: be the
        teardown that concludes the run if a user marked the run failed before that task was reached
    """

    sealed: Sealed | None = None  # the record, once this process has sealed it

    def __init__(
        self,
        *,
        steps: Mapping[str, str],
        handlers: Mapping[str, Mapping[str, str]] | None = None,
        in_triggerer: bool = False,
        last_of_dag: bool = False,
        stands_in_for: str = "",
        source: PipelineSource | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        outlast_outages(kwargs, kwargs)
        super().__init__(**kwargs)
        self.steps = dict(steps)
        self.handlers = dict(handlers or {})
        self.stands_in_for = stands_in_for
        self.source = source
        if source is not None and location_of(source.records):
            self.operator_extra_links = (RunPageLink(), RunRecordLink())
        if last_of_dag or stands_in_for:
            self.as_teardown(on_failure_fail_dagrun=True)
        self.in_triggerer = in_triggerer

    def _validate_start_from_trigger_kwargs(self) -> None:
        """Skip Airflow's search for callables in the trigger's arguments in the constructor: ours are text."""

    def _starts_from_trigger(self) -> bool:
        if not self.in_triggerer or not STARTS_IN_TRIGGERER:
            return False
        from ..runtime.start_in_triggerer import has_to_begin_in_worker, has_to_end_in_worker

        waiting = [name for name, step_type in self.steps.items() if step_type in WAITING]
        if not waiting or has_to_begin_in_worker(self) or has_to_end_in_worker(self) or self.on_skipped_callback:
            return False
        tasks = self.dag.task_dict
        return all(tasks[name].start_from_trigger for name in waiting)

    def _start_arguments(self) -> StartStatusInTriggerer | None:
        if not self.start_from_trigger:
            return None
        from ..runtime.start_in_triggerer import StartStatusInTriggerer

        return StartStatusInTriggerer(self.steps, self.handlers, self.stands_in_for)

    start_from_trigger = LazyAttribute(_starts_from_trigger, False)
    start_trigger_args = LazyAttribute(_start_arguments, None)

    def set_downstream(self, *given: Any, **options: Any) -> None:
        """As in any task."""
        super().set_downstream(*given, **options)
        self._may_be_no_leaf()

    def update_relative(self, other: Any, upstream: bool = True, edge_modifier: Any = None) -> None:
        """Called when another task is wired to this one."""
        super().update_relative(other, upstream, edge_modifier)
        if not upstream:
            self._may_be_no_leaf()

    def _may_be_no_leaf(self) -> None:
        """Once the status task has downstream tasks, add a separate teardown that decides how the DAG run ends."""
        if self.is_teardown and not self.stands_in_for:
            self.is_teardown, self.on_failure_fail_dagrun = False, False
            self.trigger_rule = type(self.trigger_rule)("all_done")
            self.stand_in()

    def stand_in(self) -> PipelineStatusOperator:
        """The downstream task that makes the DAG run end as the pipeline did, whatever other downstream tasks do.

        Airflow determines the state of a run from the DAG's leaves, and ignores other tasks and teardowns.
        """
        with self.dag, self.task_group or nullcontext():
            teardown = PipelineStatusOperator(
                task_id=TEARDOWN_TASK_ID,
                task_display_name="teardown",
                steps=self.steps,
                handlers=self.handlers,
                in_triggerer=self.in_triggerer,
                stands_in_for=self.task_id,
                source=self.source,
            )
        self >> teardown
        return teardown

    def execute(self, context: Context) -> dict[str, Any]:
        """Conclude the run; the XCom has the status, and the steps grouped by how they ended."""
        return self._conclude(context)

    def _conclude(self, context: Context) -> dict[str, Any]:
        from ..runtime.retry_budget import errors_counted

        with errors_counted(self, context):
            return self._concluded(context)

    def _concluded(self, context: Context) -> dict[str, Any]:
        from ..runtime.context import run_started
        from ..runtime.pipeline_status import conclude
        from ..runtime.stopping.in_worker import stop_jobs_here
        from ..runtime.stopping.jobs import waiting_steps

        ti = context["ti"]
        selective, refused = self._selective_plan(context)
        not_selected = self._task_ids(selective.selection.not_selected) if selective is not None else ()
        reused = self._task_ids(selective.selection.reused) if selective is not None else ()
        end = conclude(ti, self.steps, self.handlers, self.stands_in_for, not_selected=not_selected, reused=reused)
        if end.early:
            from ..runtime.pause import pause

            self.log.info("steps are still running: waiting for them to end")
            self.defer(trigger=pause(), method_name="again")
        for line in self._selective_lines(selective, context):
            self.log.info("%s", line)
        for line in end.lines:
            self.log.info("%s", line)
        if end.passed_over and not self.stands_in_for:
            ti.xcom_push(key="return_value", value=dict(end.result))
            raise AirflowSkipException(end.lines[0])
        if end.result and not end.refused:  # if no step started, nothing is running
            stop_jobs_here(
                ti,
                waiting_steps(ti, self.steps),
                started=run_started(context["dag_run"]),
                killed=end.killed,
                cut_off=end.cut_off,
                log=self.log.warning,
            )
        # A refused run did not run the pipeline, so later runs must not use it as a source.
        sealed = {} if refused or end.refused else self._seal(context, end, selective)
        failure = refused if refused and end.result else end.failure
        result = {**end.result, **sealed}
        if failure:
            _fail(ti, result, failure)
        return result

    def again(self, context: Context, event: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Called after waiting for steps that had not ended yet."""
        return self._conclude(context)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:
        """Called by the OpenLineage provider's listener, also after a failure."""
        from ..integrations.openlineage import lineage_of_run

        return lineage_of_run(self.sealed)

    def _selective_plan(self, context: Context) -> tuple[SelectivePlan | None, str]:
        """The plan of a selective run, or why it could not run."""
        from ..runtime.selective.step import selective_plan_in

        try:
            return selective_plan_in(context, self.source), ""
        except PipelineError as error:
            return None, str(error)

    def _task_ids(self, steps: Sequence[str]) -> list[str]:
        group = self.source.group if self.source is not None else ""
        return [f"{group}.{step}" if group else step for step in steps]

    def _selective_lines(self, selective: SelectivePlan | None, context: Context) -> Iterator[str]:
        if selective is not None and self.source is not None:
            from ..runtime.selective.step import log_lines

            yield from log_lines(selective, self.source.group, context)

    def _seal(self, context: Context, end: Conclusion, selective: SelectivePlan | None) -> dict[str, str]:
        if self.source is None or not end.result:
            return {}
        from ..runtime.seal import seal_record

        inherited = selective.inherited if selective else {}
        self.sealed = seal_record(context, self.source, end, self.log.info, inherited=inherited)
        if self.sealed is None:
            return {}
        from ..integrations.publish import publish_run

        publish_run(context, self.source, self.sealed, self.log.info)
        return {"Record": self.sealed.uri, "RecordSha256": self.sealed.sha256}

    def resume(self, context: Context, event: Mapping[str, object]) -> dict[str, Any]:
        """Called after the triggerer found that the run has failed or is selective."""
        from ..runtime.events import PipelineEndedBadly, from_payload

        end = from_payload(event)
        if isinstance(end, PipelineEndedBadly):
            return _fail(context["ti"], end.result, end.failure)
        return self._conclude(context)


def _fail(ti: RuntimeTaskInstanceProtocol, result: Mapping[str, object], failure: str) -> NoReturn:
    """Fail the run, and store why, because a DAG's failure callback gets this task but not its exception."""
    from ..task_log import without_traceback

    ti.xcom_push(key="return_value", value={**result, "Because": failure})
    raise without_traceback(PipelineFailed(failure), failure)
