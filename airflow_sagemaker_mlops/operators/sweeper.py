"""The teardown of steps by hand: stops the jobs that those before it have left running."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context

from .ends import instance_of, xcom_of
from .mishaps import RETRIES_AFTER_MISHAPS, RETRY_DELAY

ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
LOOK_AGAIN = timedelta(seconds=10)


class SweepOperator(BaseOperator):
    """Stops the jobs that the steps by hand before it, directly or not, have left running; a teardown of its DAG.

    ``[train, score] >> SweepOperator(task_id="sweep")``: it also runs when a user marks the run failed, and changes
    nothing about how that ends.  Steps of a pipeline are left to its verdict.  Its XCom is the jobs' names.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("retries", RETRIES_AFTER_MISHAPS)
        kwargs.setdefault("retry_delay", RETRY_DELAY)
        super().__init__(**kwargs)
        self.as_teardown()

    def execute(self, context: Context) -> list[str]:
        """Names of the jobs that were stopped."""
        from .run_context import run_started
        from .sweep import waiting_steps
        from .worker_sweep import sweep_here

        ti: Any = context["ti"]
        before = self.get_flat_relatives(upstream=True)
        steps = waiting_steps(ti, [operator.task_id for operator in before if getattr(operator, "_by_hand", True)])
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=list(steps), run_ids=[ti.run_id]).get(ti.run_id) or {}
        if not ENDED.issuperset(states.values()):  # a task behind two is over as soon as one of them has failed
            self.defer(trigger=_pause(), method_name="again")
        killed = _without_a_word(ti, (name for name, state in states.items() if state == "failed"))
        return sweep_here(
            ti,
            steps,
            started=run_started(context["dag_run"]),
            killed=killed,
            cut_off=bool(killed),
            tell=self.log.warning,
        )

    def again(self, context: Context, event: Mapping[str, Any] | None = None) -> list[str]:
        """After a pause for steps that had not ended yet."""
        return self.execute(context)


def _pause() -> Any:
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

    return TimeDeltaTrigger(LOOK_AGAIN)


def _without_a_word(ti: Any, failed: Iterable[str]) -> list[str]:
    """Of the steps that ``failed``, those that a user, a timeout or a lost process ended."""

    def said(name: str) -> Any:
        task_id, map_index = instance_of(ti, name)
        return xcom_of(ti, task_id, "return_value", map_index)

    return [name for name in failed if said(name) is None]
