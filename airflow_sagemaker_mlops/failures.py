"""For failure callbacks: which step of a pipeline failed, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def failure_of(context: Mapping[str, Any]) -> str:
    """Why a task or a DAG run with a pipeline failed, in a sentence; also for notifiers of plain DAGs with a group.

    ``SageMakerPipelineDag(..., on_failure_callback=lambda context: page(failure_of(context)))``.  Airflow gives the
    callback of a DAG the task instance that failed last, which is the status task, and not its exception (3.3.2).

    :param context: what Airflow calls the callback with
    """
    error, ti = context.get("exception"), context.get("ti")
    if error is not None:
        return str(error)
    if ti is None:
        return str(context.get("reason") or "")
    try:
        told = _told_by(ti)
    except Exception:  # ``dag.test()`` calls callbacks where XComs cannot be read
        told = ""
    return told or f"{ti.task_id} failed ({context.get('reason')}): see its log."


def _told_by(ti: Any) -> str:
    from .runtime.task_states import own_xcom, why_failed

    left = own_xcom(ti, "return_value")
    because = left.get("Because") if isinstance(left, dict) else ""
    return str(because or why_failed(ti, ti.task_id))
