"""Delivers an answer to a waiting Callback step: one transaction in Airflow's database, in the API server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..airflow_versions import TRIES_IN_ONE_TABLE
from ..execution.callback_tokens import handle_of
from ..xcom_keys import CALLBACK_PREFIX
from .store import OPEN

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TOKEN = re.compile(r"[a-zA-Z0-9]{10}")
# Columns that identify a task instance; since 3.4 also the region, one for each expansion of a mapped task group.
TASK = ("dag_id", "run_id", "task_id", "map_index", *(("region_id",) if TRIES_IN_ONE_TABLE else ()))
MAX_OUTPUTS = 50
MAX_TEXT = 1024
MAX_REASON = 256


class AnswerRefused(ValueError):
    """The answer cannot be accepted; the text is for its sender."""


def give_answer(token: str, answer: Mapping[str, object]) -> dict[str, str]:
    """Store ``answer`` for the step that waits with ``token``; returns {"dag_id", "run_id", "task_id"}.

    A token accepts one answer, while its task waits.  Raises :class:`AnswerRefused`.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import and_, select, update

    unknown = AnswerRefused(f"There is no step waiting for the callback token {token}.")
    if not TOKEN.fullmatch(token):
        raise AnswerRefused("A callback token has 10 letters and digits.")
    key = CALLBACK_PREFIX + handle_of(token)
    xcom, owner = _xcom_table()
    is_of_task = and_(*(getattr(xcom, column) == getattr(TaskInstance, of) for column, of in owner.items()))
    # "of" locks the XCom only: the scheduler may hold a lock on the row of the task.
    asked = (
        select(xcom.value, xcom.timestamp, *(getattr(TaskInstance, name).label(name) for name in ("id", *TASK)))
        .join(TaskInstance, is_of_task)
        .where(xcom.key == key, TaskInstance.state.in_(("deferred", "running")))
        .with_for_update(of=xcom)
    )
    with create_session() as session:
        found = session.execute(asked).first()
        if found is None or found.value != OPEN:
            raise unknown
        # Compare the timestamp to detect a concurrent change: of two simultaneous answers, one finds the row as it was
        # read, even without row locks (SQLite).
        is_unchanged = [getattr(xcom, column) == getattr(found, of) for column, of in owner.items()]
        changed: Any = session.execute(
            update(xcom)
            .where(xcom.key == key, xcom.timestamp == found.timestamp, *is_unchanged)
            .values(value=json.dumps(answer), timestamp=datetime.now(UTC))
            .execution_options(synchronize_session=False)
        )
        if changed.rowcount != 1:
            raise unknown
        _keep_over_retries({name: getattr(found, name) for name in TASK}, key, json.dumps(answer), session)
    return {name: getattr(found, name) for name in ("dag_id", "run_id", "task_id")}


def _xcom_table() -> tuple[Any, dict[str, str]]:
    """The table with the XComs of tasks, and {its column: the column of the task instance that owns the XCom}."""
    if TRIES_IN_ONE_TABLE:
        from airflow.models.xcom import XComModelV2

        return XComModelV2, {"task_instance_id": "id"}
    from airflow.models.xcom import XComModel

    return XComModel, {name: name for name in TASK}


def _keep_over_retries(task: dict[str, Any], key: str, answer: str, session: Session) -> None:
    """Also store it where it survives a retry, which deletes the XComs of a task that started in a worker."""
    try:
        from airflow._shared.state import TaskScope
        from airflow.state import get_state_backend
    except ImportError:  # before 3.3
        return
    get_state_backend().set(TaskScope(**task), key, json.dumps(answer), session=session)


def success(outputs: object) -> dict[str, Any]:
    """A success with ``[{"Name": ..., "Value": ...}]``.  Raises :class:`AnswerRefused` if the API would refuse them."""
    if not isinstance(outputs, list):
        raise AnswerRefused('OutputParameters must be a list of {"Name": "...", "Value": "..."}.')
    if len(outputs) > MAX_OUTPUTS:
        raise AnswerRefused(f"A step accepts at most {MAX_OUTPUTS} output parameters.")
    for item in outputs:
        if (
            not isinstance(item, dict)
            or not isinstance(item.get("Name"), str)
            or not isinstance(item.get("Value"), str)
        ):
            raise AnswerRefused('Output parameters must be {"Name": "...", "Value": "..."}, both strings.')
        if len(item["Value"]) > MAX_TEXT:
            raise AnswerRefused(f'The value of "{item["Name"]}" has more than {MAX_TEXT} characters.')
    kept = [{"Name": item["Name"], "Value": item["Value"]} for item in outputs]
    return {"Status": "Succeeded", "OutputParameters": kept}


def failure(reason: object) -> dict[str, Any]:
    """A failure.  Raises :class:`AnswerRefused` if the API would refuse it."""
    text = reason or ""
    if not isinstance(text, str) or len(text) > MAX_REASON:
        raise AnswerRefused(f"FailureReason must be a string of at most {MAX_REASON} characters.")
    return {"Status": "Failed", "FailureReason": text}
