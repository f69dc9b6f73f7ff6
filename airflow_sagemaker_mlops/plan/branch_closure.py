"""The steps that do not run, given the outcomes of conditions (docs/language/control-flow.md#branches)."""

from __future__ import annotations

from collections.abc import Mapping

from .model import STATUS_TASK_ID, Plan


def not_taken(plan: Plan, outcomes: Mapping[str, bool]) -> set[str]:
    """Steps that never start if the conditions have ``outcomes`` and everything that runs succeeds.

    ``outcomes`` maps a condition's name to its value; a missing condition counts as true.  A step after one that is not
    taken is not taken either, at any depth, even if it also waits for steps that ran: branches never rejoin.
    """
    left_out: set[str] = set()
    for task in plan.tasks:
        if task.task_id == STATUS_TASK_ID:
            continue
        if any(edge.task_id in left_out for edge in task.upstream):
            left_out.add(task.task_id)
            continue
        for edge in task.upstream:
            if edge.trigger in ("Failed", "Stopped"):
                left_out.add(task.task_id)
            if edge.kind == "branch" and edge.label != ("If" if outcomes.get(edge.task_id, True) else "Else"):
                left_out.add(task.task_id)
    return left_out
