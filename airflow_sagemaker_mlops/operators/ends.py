"""How the steps of a run ended, out of the states of their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_ENDS = {"success": "Succeeded", "failed": "Failed"}


def ends_of(ti: Any, task_ids: Sequence[str]) -> dict[str, str]:
    """{task id: Succeeded, Failed, Stopped or NotRun}; a failed task says in its XCom when its job was stopped."""
    states = states_of(ti, task_ids)
    ends = {task_id: _ENDS.get(str(states.get(task_id)), "NotRun") for task_id in task_ids}
    for task_id, end in ends.items():
        if end == "Failed":
            left = ti.xcom_pull(task_ids=task_id, key="return_value")
            if isinstance(left, dict) and left.get("Status") == "Stopped":
                ends[task_id] = "Stopped"
    return ends


def states_of(ti: Any, task_ids: Sequence[str]) -> dict[str, str | None]:
    """States of the tasks of this run, as Airflow calls them."""
    by_run = ti.get_task_states(dag_id=ti.dag_id, task_ids=list(task_ids), run_ids=[ti.run_id])
    return dict(by_run.get(ti.run_id) or {})
