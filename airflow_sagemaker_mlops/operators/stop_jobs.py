"""The teardown for steps without a definition: stops the jobs that upstream steps have left running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator, Context

from ..runtime.infrastructure_retries import outlast_outages
from ..runtime.pause import pause
from ..runtime.task_states import (
    ENDED,
    every_state,
    instance_of,
    mapped_group_of,
    result_of_failed,
)


class StopRunningJobsOperator(BaseOperator):
    """A teardown that stops jobs left running by upstream steps, direct or not, that are used without a definition.

    ``[train, score] >> StopRunningJobsOperator(task_id="stop")``: it also runs when a user marks the run failed, and
    does not affect how the run ends.  It ignores steps of a pipeline, which has a status task.  Its XCom is the jobs'
    names.
    """

    def __init__(self, **kwargs: Any) -> None:
        outlast_outages(kwargs, kwargs)
        super().__init__(**kwargs)
        self.as_teardown()

    def execute(self, context: Context) -> list[str]:
        """Stop the jobs; returns their names."""
        from ..runtime.retry_budget import errors_counted

        with errors_counted(self, context):
            return self._stop_jobs(context)

    def _stop_jobs(self, context: Context) -> list[str]:
        from ..execution.identity import digest
        from ..runtime.context import run_started
        from ..runtime.stopping.in_worker import stop_jobs_here
        from ..runtime.stopping.jobs import waiting_steps

        ti = context["ti"]
        before = self.get_flat_relatives(upstream=True)
        standalone = (
            operator for operator in before if getattr(operator, "_is_standalone", True)
        )  # mapped ones lack it
        steps = waiting_steps(ti, [operator.task_id for operator in standalone])
        if not steps:
            return []
        states = every_state(ti, list(steps))
        if not ENDED.issuperset(map(str, states.values())):  # with two upstreams, a task ends as soon as one fails
            self.defer(trigger=pause(), method_name="again")
        failed = [key for key, state in states.items() if state == "failed"]
        killed = [key for key in failed if result_of_failed(ti, *instance_of(ti, key)) is None]
        instances = (instance_of(ti, key) for key in states)
        own = (digest(ti.dag_id, ti.run_id, name, str(-1 if index is None else index)) for name, index in instances)
        return stop_jobs_here(
            ti,
            steps,
            started=run_started(context["dag_run"]),
            killed=killed,
            cut_off=bool(killed),
            log=self.log.warning,
            digests=frozenset(own) if mapped_group_of(self) is not None else None,
        )

    def again(self, context: Context, event: Mapping[str, object] | None = None) -> list[str]:
        """Called after waiting for steps that had not ended yet."""
        return self.execute(context)
