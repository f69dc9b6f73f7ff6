"""How the steps of a run ended, out of the states of their tasks; the same in a worker and in the triggerer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..task_log import absence_expected
from .step_task import JOURNAL_KEY

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})  # states of Airflow's
UNDER_WAY = frozenset(
    {"scheduled", "queued", "running", "deferred", "awaiting_input", "up_for_retry", "up_for_reschedule"}
)
PASSED_OVER = {"Status": "Skipped"}  # what a task leaves that skipped itself; a status task, where nothing was to run
REASON_KEY = "sagemaker_reason"
_ENDS = {"success": "Succeeded", "failed": "Failed"}
_ENDS_TOLD = {"Stopped": "Stopped", "NotStarted": "NotRun"}  # by the result of a failed task


def ends_of(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> dict[str, str]:
    """{task id: Succeeded, Failed, Stopped or NotRun}; a failed task says in its XCom when its job was stopped, or that
    it was refused before it began one.
    """
    states = states_of(ti, task_ids)
    return ends_from(states, results_of(ti, (name for name in task_ids if states.get(name) == "failed")))


def ends_from(states: Mapping[str, str | None], results: Mapping[str, Any]) -> dict[str, str]:
    """{task id: end} of the tasks in ``states``, with the results that failed ones left."""
    ends = {task_id: _ENDS.get(str(state), "NotRun") for task_id, state in states.items()}
    for task_id, end in ends.items():
        left = results.get(task_id)
        if end == "Failed" and isinstance(left, dict):
            ends[task_id] = _ENDS_TOLD.get(str(left.get("Status")), end)
    return ends


def refusal(reason: str) -> dict[str, str]:
    """What a step leaves as its result that was refused before it began anything."""
    return {"Status": "NotStarted", "Because": reason}


def reason_in(result: Any) -> str:
    """Why the step that left ``result`` was refused; empty when it was not."""
    refused = isinstance(result, dict) and result.get("Status") == "NotStarted"
    return str(result.get("Because")) if refused else ""


def sibling_index(ti: RuntimeTaskInstanceProtocol, task_id: str) -> int | None:
    """Map index of the instance of ``task_id`` that belongs with ``ti``: its own inside the same mapped task group.

    ``None`` for a task that has no such instance, because it is outside of the group or in another one.
    """
    if ti.map_index is None or ti.map_index < 0:
        return None
    if task_id == ti.task_id:
        return int(ti.map_index)
    tasks = ti.task.dag.task_dict
    group = mapped_group_of(ti.task)
    same = group is not None and task_id in tasks and mapped_group_of(tasks[task_id]) == group
    return int(ti.map_index) if same else None


def mapped_group_of(operator: Any) -> str | None:
    """Id of the innermost mapped task group that ``operator`` is in; of a parsed and of a serialized one alike."""
    return next((str(group.group_id) for group in operator.iter_mapped_task_groups()), None)


def states_of(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> dict[str, str | None]:
    """States of the tasks of this run, as Airflow calls them; ``None`` where there is none.

    In a mapped task group, of the instances that belong with ``ti``.
    """
    beside = [task_id for task_id in task_ids if sibling_index(ti, task_id) is not None]
    others = [task_id for task_id in task_ids if task_id not in set(beside)]
    found = _states(ti, others) if others else {}
    if beside:
        own = _states(ti, beside, map_index=ti.map_index)
        found |= {task_id: own.get(f"{task_id}_{ti.map_index}") for task_id in beside}
    return {task_id: found.get(task_id) for task_id in task_ids}


def every_state(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> dict[str, str | None]:
    """As :func:`states_of`, by Airflow's keys, with the states of all instances of a task that is mapped alone."""
    alone = [task_id for task_id in task_ids if sibling_index(ti, task_id) is None]
    beside = {f"{task_id}_{ti.map_index}": task_id for task_id in task_ids if task_id not in set(alone)}
    own = states_of(ti, list(beside.values()))
    return {**(_states(ti, alone) if alone else {}), **{key: own[task_id] for key, task_id in beside.items()}}


def skipped_of(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> set[str]:
    """Those of ``task_ids`` that were skipped; a task that is mapped alone counts when one instance was."""
    return {instance_of(ti, key)[0] for key, state in every_state(ti, task_ids).items() if state == "skipped"}


def _states(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str], **which: Any) -> dict[str, str | None]:
    by_run = ti.get_task_states(dag_id=ti.dag_id, task_ids=list(task_ids), run_ids=[ti.run_id], **which)
    return dict(by_run.get(ti.run_id) or {})


def results_of(ti: RuntimeTaskInstanceProtocol, task_ids: Iterable[str]) -> dict[str, Any]:
    """What failed tasks of this run pushed as their result; ``None`` for one that pushed nothing."""
    return {task_id: result_of_failed(ti, task_id) for task_id in task_ids}


def result_of_failed(ti: RuntimeTaskInstanceProtocol, task_id: str, map_index: int | None = None) -> Any:
    """What a failed task of this run pushed as its result; ``None`` when it pushed nothing."""
    result = xcom_of(ti, task_id, "return_value", map_index)
    # A task that begins in the triggerer keeps its XComs over a clear, after which it may have begun (Airflow 3.3.2):
    # then it was not refused, and what a failed one says of its success is of an attempt before.
    stale = reason_in(result) and xcom_of(ti, task_id, JOURNAL_KEY, map_index) is not None
    succeeded = isinstance(result, dict) and result.get("Status") == "Succeeded"
    return None if stale or succeeded else result


def why_failed(ti: RuntimeTaskInstanceProtocol, task_id: str) -> str:
    """Why a failed step says it has failed; empty where it could not say, as when it was killed."""
    kept = xcom_of(ti, task_id, REASON_KEY)
    if not isinstance(kept, dict):
        return ""
    # XComs of a task that begins in the triggerer stay when it is cleared; its journal knows the last attempt.
    last = xcom_of(ti, task_id, JOURNAL_KEY)
    stale = isinstance(last, dict) and last.get("try_number", 0) > kept.get("try", 0)
    return "" if stale else str(kept.get("why") or "")


def map_index_of(ti: RuntimeTaskInstanceProtocol) -> int:
    """The map index of ``ti``; -1 where it is not mapped."""
    return -1 if ti.map_index is None else ti.map_index


def own_xcom(ti: RuntimeTaskInstanceProtocol, key: str) -> Any:
    """An XCom of the running task itself; of its own instance, where the task is mapped."""
    with absence_expected():
        return ti.xcom_pull(task_ids=ti.task_id, key=key, map_indexes=map_index_of(ti))


def own_state_key(ti: RuntimeTaskInstanceProtocol) -> str:
    """By what Airflow's ``get_task_states`` knows the running task."""
    return ti.task_id if ti.map_index is None or ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"


def instance_of(ti: RuntimeTaskInstanceProtocol, state_key: str) -> tuple[str, int | None]:
    """(task id, index where it is mapped) of what ``get_task_states`` knows by ``state_key``."""
    task_id, _, index = state_key.rpartition("_")
    mapped = state_key not in ti.task.dag.task_dict and index.isdigit()
    return (task_id, int(index)) if mapped else (state_key, None)


def xcom_of(ti: RuntimeTaskInstanceProtocol, task_id: str, key: str, map_index: int | None = None) -> Any:
    """An XCom of this run; ``None`` when there is none.

    Without ``map_index``, of the instance that belongs with ``ti`` where both are in one mapped task group.
    """
    from airflow.sdk.execution_time.xcom import XCom

    index = sibling_index(ti, task_id) if map_index is None else map_index
    with absence_expected():
        return XCom.get_one(key=key, dag_id=ti.dag_id, run_id=ti.run_id, task_id=task_id, map_index=index)


def sibling_result(ti: RuntimeTaskInstanceProtocol, task_id: str) -> Any:
    """The result of an upstream task, as a step reads it: a list where only that task is mapped."""
    index = sibling_index(ti, task_id)
    with absence_expected():
        if index is None:
            return ti.xcom_pull(task_ids=task_id, key="return_value")
        return ti.xcom_pull(task_ids=task_id, key="return_value", map_indexes=index)


def is_spread(ti: RuntimeTaskInstanceProtocol, task_ids: Iterable[str]) -> bool:
    """Whether one of ``task_ids`` has instances in a mapped task group that ``ti`` is outside of."""
    tasks = ti.task.dag.task_dict
    inside = (name for name in task_ids if name in tasks and mapped_group_of(tasks[name]) is not None)
    return any(sibling_index(ti, name) is None for name in inside)


def sibling_results(ti: RuntimeTaskInstanceProtocol, task_ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """The results of ``task_ids`` as :func:`sibling_result` has them; of tasks that are spread, those of each instance.

    An instance that pushed nothing is left out.
    """
    if not is_spread(ti, task_ids):
        return [tuple(sibling_result(ti, name) for name in task_ids)]
    return list(zip(*(ti.xcom_pull(task_ids=[name], key="return_value") for name in task_ids), strict=False))
