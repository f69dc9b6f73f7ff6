"""Gates: tasks before steps that run on an upstream's failure, stop or any end.

Rules: docs/language/control-flow.md#run-conditions.
Airflow's trigger rules say one thing about all upstreams together; a definition says one for each.  So such a step
stands behind a task that waits for every upstream to end and lets the step run when each ended as asked.
"""

from __future__ import annotations

from .model import GATE_SUFFIX, TaskPlan, Upstream


def gate_task(step: str, edges: tuple[Upstream, ...]) -> TaskPlan:
    """The gate of ``step``, which has all of the step's ``edges``."""
    wanted = {edge.task_id: edge.trigger for edge in edges}
    return TaskPlan(step + GATE_SUFFIX, "Gate", f"{step}: when", "", {"Triggers": wanted}, (), edges)
