"""Delivers an answer to a waiting Callback step: one transaction in Airflow's database, in the API server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..execution.callback_tokens import handle_of
from ..xcom_keys import CALLBACK_PREFIX
from .store import OPEN

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TOKEN = re.compile(r"[a-zA-Z0-9]{10}")
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
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select, update

    unknown = AnswerRefused(f"There is no step waiting for the callback token {token}.")
    if not TOKEN.fullmatch(token):
        raise AnswerRefused("A callback token has 10 letters and digits.")
    key = CALLBACK_PREFIX + handle_of(token)
    with create_session() as session:
        # "of": the model joins its run, and PostgreSQL cannot lock the nullable side of an outer join.
        asked = select(XComModel).where(XComModel.key == key).with_for_update(of=XComModel)
        found = session.scalars(asked).first()
        if found is None or found.value != OPEN:
            raise unknown
        who = {"dag_id": found.dag_id, "run_id": found.run_id, "task_id": found.task_id}
        task = [getattr(TaskInstance, name) == value for name, value in who.items()]
        waiting = TaskInstance.map_index == found.map_index, TaskInstance.state.in_(("deferred", "running"))
        if session.scalar(select(TaskInstance.id).where(*task, *waiting)) is None:
            raise unknown
        # Compare the timestamp to detect a concurrent change: of two simultaneous answers, one finds the row as it was
        # read, even without row locks (SQLite).
        row = [XComModel.key == key, XComModel.dag_run_id == found.dag_run_id, XComModel.task_id == found.task_id]
        changed: Any = session.execute(
            update(XComModel)
            .where(*row, XComModel.map_index == found.map_index, XComModel.timestamp == found.timestamp)
            .values(value=json.dumps(answer), timestamp=datetime.now(UTC))
            .execution_options(synchronize_session=False)
        )
        if changed.rowcount != 1:
            raise unknown
        _keep_over_retries({**who, "map_index": found.map_index}, key, json.dumps(answer), session)
    return who


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
