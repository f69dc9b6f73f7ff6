"""The last task of a pipeline: recomputes how SageMaker Pipelines would say the run ended, and ends likewise."""

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
from ..links import RunRecordLink
from ..plan.model import TEARDOWN_TASK_ID
from ..runtime.infrastructure_retries import outlast_outages
from ..settings import location_of
from .base import DecidedLate

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from ..records.reuse.selective_run import SelectivePlan
    from ..records.seal.seal import Sealed
    from ..runtime.pipeline_source import Source
    from ..runtime.pipeline_status import Conclusion
    from ..runtime.start_in_triggerer import StartStatusInTriggerer


class PipelineFailed(AirflowFailException):
    """The pipeline ended Failed; the message names the steps that failed."""


class PipelineStatusOperator(BaseOperator):
    """Fails when a step failed that no other step handled; succeeds otherwise.  Stops what is left running.

    Where a task before the pipeline skipped the whole of it, it is skipped as well, and so is what stands behind it.

    A skipped leaf counts as success for Airflow, so without this task a failed step behind a branch that was not taken
    could leave a green run.  As the teardown of a DAG it also runs when a user marks the run failed, which skips all
    that has not begun.

    :param steps: {task id: step type} of the pipeline
    :param handlers: {task id: {other task id: trigger}} of the steps that run when it ends badly
    :param in_triggerer: conclude there, without a worker, unless the run failed, where all steps that wait start there
    :param last_of_dag: be the teardown that decides how the DAG run ends
    :param source: what the record of a run says of the pipeline itself; without, no record is sealed
    :param stands_in_for: task id of a status task that other tasks may stand behind, so that it cannot be a teardown:
        be the teardown that concludes when a user marked the run failed before that task was reached
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
        source: Source | None = None,
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
            self.operator_extra_links = (RunRecordLink(),)
        if last_of_dag or stands_in_for:
            self.as_teardown(on_failure_fail_dagrun=True)
        self.in_triggerer = in_triggerer

    def _validate_start_from_trigger_kwargs(self) -> None:
        """Airflow looks for callables among the trigger's arguments, in the constructor; ours are text."""

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

    start_from_trigger = DecidedLate(_starts_from_trigger, False)
    start_trigger_args = DecidedLate(_start_arguments, None)

    def set_downstream(self, *given: Any, **options: Any) -> None:
        """As for any task."""
        super().set_downstream(*given, **options)
        self._may_be_no_leaf()

    def update_relative(self, other: Any, upstream: bool = True, edge_modifier: Any = None) -> None:
        """Called when another task is wired to this one."""
        super().update_relative(other, upstream, edge_modifier)
        if not upstream:
            self._may_be_no_leaf()

    def _may_be_no_leaf(self) -> None:
        """Have a teardown of its own decide how the DAG run ends, once other tasks stand behind the status task."""
        if self.is_teardown and not self.stands_in_for:
            self.is_teardown, self.on_failure_fail_dagrun = False, False
            self.trigger_rule = type(self.trigger_rule)("all_done")
            self.stand_in()

    def stand_in(self) -> PipelineStatusOperator:
        """The task behind the status task that makes the DAG run end as the pipeline did, whatever else stands there.

        Airflow asks the leaves of a DAG how a run ended, and leaves out those that are before or are teardowns.
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
        """The status task as XCom: status, and the steps by what became of them."""
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
            ti.xcom_push(key="return_value", value=dict(end.said))
            raise AirflowSkipException(end.lines[0])
        if end.said and not end.refused:  # where no step began, nothing is left running
            stop_jobs_here(
                ti,
                waiting_steps(ti, self.steps),
                started=run_started(context["dag_run"]),
                killed=end.killed,
                cut_off=end.cut_off,
                log=self.log.warning,
            )
        # A run that was refused is no run of the pipeline: the next one is not to take its results.
        sealed = {} if refused or end.refused else self._seal(context, end, selective)
        failure = refused if refused and end.said else end.failure
        said = {**end.said, **sealed}
        if failure:
            _fail(ti, said, failure)
        return said

    def again(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """After a pause for steps that had not ended yet."""
        return self._conclude(context)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Asked by the OpenLineage provider's listener, after a failure too."""
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
        if self.source is None or not end.said:
            return {}
        from ..runtime.seal import seal_record

        inherited = selective.inherited if selective else {}
        self.sealed = seal_record(context, self.source, end, self.log.info, inherited=inherited)
        if self.sealed is None:
            return {}
        from ..integrations.publish import publish_run

        publish_run(context, self.source, self.sealed, self.log.info)
        return {"Record": self.sealed.uri, "RecordSha256": self.sealed.sha256}

    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Back from the triggerer, which found that the run has failed or is a selective run."""
        from ..runtime.events import PipelineEndedBadly, from_payload

        end = from_payload(event)
        if isinstance(end, PipelineEndedBadly):
            return _fail(context["ti"], end.said, end.failure)
        return self._conclude(context)


def _fail(ti: RuntimeTaskInstanceProtocol, said: Mapping[str, Any], failure: str) -> NoReturn:
    """Fail the run, and leave why: a failure callback of the DAG is given this task and not its exception."""
    from ..task_log import without_traceback

    ti.xcom_push(key="return_value", value={**said, "Because": failure})
    raise without_traceback(PipelineFailed(failure), failure)
