"""The answers of people to Airflow's human-in-the-loop operators in a run.  Blocking."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..xcom_keys import ANSWER_KEY
from .context import iso
from .task_states import every_state, instance_of, xcom_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.definitions.mappedoperator import MappedOperator
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

_OPERATORS = "airflow.providers.standard.operators.hitl"  # cannot be imported before Airflow 3.1
_ANSWERED = frozenset({"success", "failed"})


def answer_in(event: object) -> dict[str, Any] | None:
    """The event with which such an operator is resumed, as plain JSON; ``None`` for any other event.

    The operator itself pushes nothing if the answer makes it fail or skip others, as ``Reject`` does.
    """
    if not isinstance(event, Mapping) or not event.get("chosen_options"):
        return None
    return {
        "chosen_options": [str(option) for option in event["chosen_options"]],
        "params_input": _form(event),
        "responded_by_user": _user(event),
        "responded_at": _at(event),
    }


def approvals_of(ti: RuntimeTaskInstanceProtocol, steps: Mapping[str, str], group: str) -> list[dict[str, Any]]:
    """Answers to tasks that are steps or upstream of the status task, oldest first, as ``approvals`` of a record.

    ti      task instance of the status task
    steps   {task id: step type}
    """
    operators = sys.modules.get(_OPERATORS)  # a DAG with such a task has imported them
    if operators is None:
        return []
    tasks = ti.task.dag.task_dict
    before = {*steps, *ti.task.get_flat_relative_ids(upstream=True)}
    asking = sorted(name for name in before if issubclass(_class_of(tasks[name]), operators.HITLOperator))
    found = []
    for key, state in every_state(ti, asking).items() if asking else ():
        task_id, index = instance_of(ti, key)
        is_step = task_id in steps
        if state in _ANSWERED and (answer := dict(_answer(ti, tasks[task_id], index, is_step))):
            step = {"step": task_id.removeprefix(f"{group}." if group else "")} if is_step else {}
            instance = {} if index is None else {"map_index": index}
            found.append({"task": task_id, **step, **instance, **answer})
    return sorted(found, key=lambda approval: str(approval.get("at", "")))


def _answer(
    ti: RuntimeTaskInstanceProtocol, task: BaseOperator | MappedOperator, index: int | None, is_step: bool
) -> Iterator[tuple[str, Any]]:
    name = task.task_id
    left = answer_in(xcom_of(ti, name, ANSWER_KEY, index)) if is_step else None
    left = left or answer_in(xcom_of(ti, name, "return_value", index))
    if left is None:  # not a step, and it has skipped others: it stores only what it skipped
        word = xcom_of(ti, name, "skipmixin_key", index) or {}
        if word.get("followed"):
            yield "decision", ", ".join(word["followed"])
        elif word.get("skipped"):
            yield "decision", str(getattr(_class_of(task), "REJECT", "Reject"))
        return
    yield "decision", ", ".join(left["chosen_options"])
    if left["responded_by_user"]:
        yield "user", left["responded_by_user"]
    else:
        yield "by_default", True
    if left["responded_at"]:
        yield "at", left["responded_at"]
    comment = left["params_input"].get("comment")
    if isinstance(comment, str) and comment:
        yield "comment", comment


def _class_of(task: object) -> type:
    return getattr(task, "operator_class", type(task))  # of a mapped task


def _form(event: Mapping[str, object]) -> dict[str, Any]:
    """Only the field ``comment`` of the form; other fields are the operator's business."""
    form = event.get("params_input")
    comment = form.get("comment") if isinstance(form, Mapping) else None
    return {"comment": comment} if isinstance(comment, str) else {}


def _user(event: Mapping[str, object]) -> str:
    """Name of the person who answered; empty if nobody did in time and the operator's default applies."""
    user = event.get("responded_by_user")
    if isinstance(user, Mapping):
        return str(user.get("name") or user.get("id") or "")
    return str(user or "")


def _at(event: Mapping[str, object]) -> str:
    moment = event.get("responded_at")
    return iso(moment) if isinstance(moment, datetime) else str(moment or "")
