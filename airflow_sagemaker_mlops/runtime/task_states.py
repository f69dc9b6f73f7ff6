"""Determines how the steps of a run ended from the states of their tasks; for workers and triggerers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..execution.identity import run_name
from ..task_log import absence_expected
from ..xcom_keys import JOURNAL_KEY, REASON_KEY

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.definitions.mappedoperator import MappedOperator
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})  # Airflow's states
UNDER_WAY = frozenset(
    {"scheduled", "queued", "running", "deferred", "awaiting_input", "up_for_retry", "up_for_reschedule"}
)
PASSED_OVER = {"Status": "Skipped"}  # the XCom of a task that skipped itself, or of a status task with nothing to do
_ENDS = {"success": "Succeeded", "failed": "Failed"}
_ENDS_TOLD = {"Stopped": "Stopped", "NotStarted": "NotRun"}  # by the result of a failed task


def ends_of(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> dict[str, str]:
    """{task id: Succeeded, Failed, Stopped or NotRun}; the XCom of a failed task says if its job was stopped, or if it
    was refused before it started one.
    """
    states = states_of(ti, task_ids)
    return ends_from(states, results_of(ti, (name for name in task_ids if states.get(name) == "failed")))


def ends_from(states: Mapping[str, str | None], results: Mapping[str, object]) -> dict[str, str]:
    """{task id: end} of the tasks in ``states``, with the results of failed ones."""
    ends = {task_id: _ENDS.get(str(state), "NotRun") for task_id, state in states.items()}
    for task_id, end in ends.items():
        left = results.get(task_id)
        if end == "Failed" and isinstance(left, dict):
            ends[task_id] = _ENDS_TOLD.get(str(left.get("Status")), end)
    return ends


def refusal(reason: str) -> dict[str, str]:
    """The result of a step that was refused before it started anything."""
    return {"Status": "NotStarted", "Because": reason}


def reason_in(result: object) -> str:
    """Why the step with this ``result`` was refused; empty if it was not."""
    if isinstance(result, dict) and result.get("Status") == "NotStarted":
        return str(result.get("Because"))
    return ""


def sibling_index(ti: RuntimeTaskInstanceProtocol, task_id: str) -> int | None:
    """Map index of the instance of ``task_id`` that corresponds to ``ti``: the same one in the same mapped task group.

    ``None`` for a task that has no such instance, because it is outside the group or in another one.
    """
    if ti.map_index is None or ti.map_index < 0:
        return None
    if task_id == ti.task_id:
        return int(ti.map_index)
    tasks = ti.task.dag.task_dict
    group = mapped_group_of(ti.task)
    same = group is not None and task_id in tasks and mapped_group_of(tasks[task_id]) == group
    return int(ti.map_index) if same else None


def mapped_group_of(operator: BaseOperator | MappedOperator) -> str | None:
    """Id of the innermost mapped task group of ``operator``, parsed or serialized."""
    return next((str(group.group_id) for group in operator.iter_mapped_task_groups()), None)


def states_of(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> dict[str, str | None]:
    """States of the tasks of this run, in Airflow's terms, or ``None``.

    In a mapped task group, those of the instances that correspond to ``ti``.
    """
    beside = [task_id for task_id in task_ids if sibling_index(ti, task_id) is not None]
    others = [task_id for task_id in task_ids if task_id not in set(beside)]
    found = _states(ti, others) if others else {}
    if beside:
        own = _states(ti, beside, map_index=ti.map_index)
        found |= {task_id: own.get(f"{task_id}_{ti.map_index}") for task_id in beside}
    return {task_id: found.get(task_id) for task_id in task_ids}


def every_state(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> dict[str, str | None]:
    """As :func:`states_of`, by Airflow's keys, with the states of all instances of a task that is itself mapped."""
    alone = [task_id for task_id in task_ids if sibling_index(ti, task_id) is None]
    beside = {f"{task_id}_{ti.map_index}": task_id for task_id in task_ids if task_id not in set(alone)}
    own = states_of(ti, list(beside.values()))
    return {**(_states(ti, alone) if alone else {}), **{key: own[task_id] for key, task_id in beside.items()}}


def skipped_of(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> set[str]:
    """Those of ``task_ids`` that were skipped; a task that is itself mapped counts if one instance was."""
    return {instance_of(ti, key)[0] for key, state in every_state(ti, task_ids).items() if state == "skipped"}


def _states(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str], **which: Any) -> dict[str, str | None]:
    by_run = ti.get_task_states(dag_id=ti.dag_id, task_ids=list(task_ids), run_ids=[ti.run_id], **which)
    return dict(by_run.get(ti.run_id) or {})


def results_of(ti: RuntimeTaskInstanceProtocol, task_ids: Iterable[str]) -> dict[str, Any]:
    """The results pushed by failed tasks of this run; ``None`` for a task without one."""
    return {task_id: result_of_failed(ti, task_id) for task_id in task_ids}


def result_of_failed(ti: RuntimeTaskInstanceProtocol, task_id: str, map_index: int | None = None) -> Any:
    """The result pushed by a failed task of this run, or ``None``."""
    result = xcom_of(ti, task_id, "return_value", map_index)
    # A task that starts in the triggerer keeps its XComs over a clear, after which it may have started (Airflow 3.3.2):
    # then it was not refused, and a success in a failed task's XComs is from an earlier attempt.
    stale = reason_in(result) and xcom_of(ti, task_id, JOURNAL_KEY, map_index) is not None
    succeeded = isinstance(result, dict) and result.get("Status") == "Succeeded"
    return None if stale or succeeded else result


def why_failed(ti: RuntimeTaskInstanceProtocol, task_id: str) -> str:
    """The recorded reason of a failed step; empty if it could not record one, e.g. because it was killed."""
    kept = xcom_of(ti, task_id, REASON_KEY)
    if not isinstance(kept, dict):
        return ""
    # XComs of a task that starts in the triggerer survive a clear; its journal has the last attempt.
    last = xcom_of(ti, task_id, JOURNAL_KEY)
    stale = isinstance(last, dict) and last.get("try_number", 0) > kept.get("try", 0)
    return "" if stale else str(kept.get("why") or "")


def map_index_of(ti: RuntimeTaskInstanceProtocol) -> int:
    """The map index of ``ti``; -1 if it is not mapped."""
    return -1 if ti.map_index is None else ti.map_index


def run_name_of(ti: RuntimeTaskInstanceProtocol, *, mapped: bool) -> str:
    """The name of the pipeline's run in records.

    :param mapped: whether the pipeline is inside a mapped task group, so that each instance is a separate run
    """
    return run_name(ti.run_id, map_index_of(ti) if mapped else -1)


def own_xcom(ti: RuntimeTaskInstanceProtocol, key: str) -> Any:
    """An XCom of the running task itself; of its own instance if the task is mapped."""
    with absence_expected():
        return ti.xcom_pull(task_ids=ti.task_id, key=key, map_indexes=map_index_of(ti))


def own_state_key(ti: RuntimeTaskInstanceProtocol) -> str:
    """The key of the running task in Airflow's ``get_task_states``."""
    return ti.task_id if ti.map_index is None or ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"


def instance_of(ti: RuntimeTaskInstanceProtocol, state_key: str) -> tuple[str, int | None]:
    """(task id, map index or ``None``) for the ``get_task_states`` key ``state_key``."""
    task_id, _, index = state_key.rpartition("_")
    mapped = state_key not in ti.task.dag.task_dict and index.isdigit()
    return (task_id, int(index)) if mapped else (state_key, None)


def xcom_of(ti: RuntimeTaskInstanceProtocol, task_id: str, key: str, map_index: int | None = None) -> Any:
    """An XCom of this run; ``None`` if there is none.

    Without ``map_index``, that of the instance that corresponds to ``ti`` if both are in one mapped task group.
    """
    from airflow.sdk.execution_time.xcom import XCom

    index = sibling_index(ti, task_id) if map_index is None else map_index
    with absence_expected():
        return XCom.get_one(key=key, dag_id=ti.dag_id, run_id=ti.run_id, task_id=task_id, map_index=index)


def sibling_result(ti: RuntimeTaskInstanceProtocol, task_id: str) -> Any:
    """The result of an upstream task, as a step reads it: a list if only that task is mapped."""
    index = sibling_index(ti, task_id)
    with absence_expected():
        if index is None:
            return ti.xcom_pull(task_ids=task_id, key="return_value")
        return ti.xcom_pull(task_ids=task_id, key="return_value", map_indexes=index)


def is_spread(ti: RuntimeTaskInstanceProtocol, task_ids: Iterable[str]) -> bool:
    """Whether one of ``task_ids`` has instances in a mapped task group that does not contain ``ti``."""
    tasks = ti.task.dag.task_dict
    inside = (name for name in task_ids if name in tasks and mapped_group_of(tasks[name]) is not None)
    return any(sibling_index(ti, name) is None for name in inside)


def sibling_results(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """The results of ``task_ids`` as from :func:`sibling_result`; for tasks that are spread, those of each instance.

    An instance that pushed nothing is left out.
    """
    if not is_spread(ti, task_ids):
        return [tuple(sibling_result(ti, name) for name in task_ids)]
    return list(zip(*(ti.xcom_pull(task_ids=[name], key="return_value") for name in task_ids), strict=False))
