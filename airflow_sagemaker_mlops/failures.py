"""For failure callbacks: which step of a pipeline failed, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


def failure_of(context: Mapping[str, Any]) -> str:
    """Why a task or a DAG run with a pipeline failed, as a sentence; also for notifiers of plain DAGs with a group.

    ``SageMakerPipelineDag(..., on_failure_callback=lambda context: page(failure_of(context)))``.  Airflow passes the
    last failed task instance to a DAG's callback, i.e. the status task, without its exception (3.3.2).

    :param context: the context that Airflow passes to the callback
    """
    error, ti = context.get("exception"), context.get("ti")
    if error is not None:
        return str(error)
    if ti is None:
        return str(context.get("reason") or "")
    try:
        reason = _reason_in_xcom(ti)
    except Exception:  # ``dag.test()`` calls callbacks in a process that cannot read XComs
        reason = ""
    return reason or f"{ti.task_id} failed ({context.get('reason')}): see its log."


def _reason_in_xcom(ti: RuntimeTaskInstanceProtocol) -> str:
    from .runtime.task_states import own_xcom, why_failed

    left = own_xcom(ti, "return_value")
    because = left.get("Because") if isinstance(left, dict) else ""
    return str(because or why_failed(ti, ti.task_id))
