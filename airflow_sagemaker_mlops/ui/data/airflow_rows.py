"""Runs, task instances and XComs in Airflow's database, as plain values.  Blocking; only in the API server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...airflow_versions import TRIES_IN_ONE_TABLE

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ...json_types import Json

ENDED = frozenset({"success", "failed"})  # states of a DAG run
Instance = tuple[str, int]  # task id, map index or -1


@dataclass(frozen=True, slots=True)
class RunRow:
    """A DAG run; times are ISO 8601 in UTC, "" if there is none."""

    dag_id: str
    run_id: str
    state: str
    started: str
    ended: str
    run_type: str
    user: str
    logical_date: str

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.state not in ENDED


@dataclass(frozen=True, slots=True)
class TaskRow:
    """The latest try of a task instance."""

    task_id: str
    map_index: int
    state: str
    operator: str
    try_number: int
    started: str
    ended: str


def run_row(dag_id: str, run_id: str) -> RunRow | None:
    """The run; ``None`` if it does not exist."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    with _reading() as session:
        found = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        return None if found is None else _run(found)


def latest_runs(dag_id: str, limit: int) -> list[RunRow]:
    """The latest runs of a DAG, newest first."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    with _reading() as session:
        asked = select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.run_after.desc()).limit(limit)
        return [_run(found) for found in session.scalars(asked)]


def task_rows(dag_id: str, run_id: str) -> list[TaskRow]:
    """The task instances of a run, in the order in which they started."""
    from airflow.models.taskinstance import TaskInstance as Row
    from sqlalchemy import select

    columns = (Row.task_id, Row.map_index, Row.state, Row.operator, Row.try_number, Row.start_date, Row.end_date)
    with _reading() as session:
        asked = select(*columns).where(Row.dag_id == dag_id, Row.run_id == run_id).order_by(Row.start_date, Row.task_id)
        return [
            TaskRow(
                row[0], int(row[1]), str(row[2] or ""), str(row[3] or ""), int(row[4] or 0), _iso(row[5]), _iso(row[6])
            )
            for row in session.execute(asked)
        ]


def xcoms(dag_id: str, run_id: str, keys: Sequence[str], task_id: str = "") -> dict[tuple[str, int, str], Json]:
    """{(task id, map index, key): value} of a run, or of one of its tasks.

    From 3.4 on, XComs belong to a try and ``XComModel`` is a view of two tables with the same columns, so a task can
    have several under one key: the newest counts.
    """
    from airflow.models.xcom import XComModel as Row
    from sqlalchemy import select

    asked = select(Row.task_id, Row.map_index, Row.key, Row.value)
    asked = asked.where(Row.dag_id == dag_id, Row.run_id == run_id, Row.key.in_(keys))
    if task_id:
        asked = asked.where(Row.task_id == task_id)
    with _reading() as session:
        rows = session.execute(asked.order_by(Row.timestamp))
        return {(row[0], int(row[1]), row[2]): _value(row[3]) for row in rows}


def task_order(dag_id: str) -> dict[str, int]:
    """The position of each task in the latest version of the DAG, in the order in which its file creates them."""
    from airflow.models.serialized_dag import SerializedDagModel as Row
    from sqlalchemy import select

    with _reading() as session:
        found: Any = session.scalar(select(Row).where(Row.dag_id == dag_id).order_by(Row.created_at.desc()).limit(1))
        tasks = ((found.data or {}).get("dag") or {}).get("tasks") or () if found is not None else ()
        names = [str((task.get("__var") or task).get("task_id")) for task in tasks]
    return {name: place for place, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class XComRow:
    """An XCom of a task in one of the DAG's runs."""

    run_id: str
    map_index: int
    value: Json


def latest_xcoms(dag_id: str, task_ids: Sequence[str], key: str, limit: int) -> list[XComRow]:
    """The XComs with ``key`` that the tasks pushed in the latest runs of their DAG, newest first."""
    from airflow.models.xcom import XComModel as Row
    from sqlalchemy import select

    asked = select(Row.run_id, Row.map_index, Row.value, Row.task_id)
    asked = asked.where(Row.dag_id == dag_id, Row.task_id.in_(task_ids), Row.key == key)
    with _reading() as session:
        rows = session.execute(asked.order_by(Row.timestamp.desc()).limit(limit))
        newest: dict[tuple[str, Instance], XComRow] = {}
        for row in rows:
            newest.setdefault((row[0], (row[3], int(row[1]))), XComRow(row[0], int(row[1]), _value(row[2])))
        return list(newest.values())


def note_of(dag_id: str, run_id: str) -> str:
    """The note of a run."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    with _reading() as session:
        found = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        return str(getattr(found, "note", None) or "")


@dataclass(frozen=True, slots=True)
class TryRow:
    """One try of a task instance."""

    number: int
    state: str
    started: str
    ended: str


def tries_of(dag_id: str, run_id: str, task_id: str, map_index: int, limit: int = 20) -> list[TryRow]:
    """The tries of a task instance, oldest first."""
    from sqlalchemy import select

    found: dict[int, TryRow] = {}
    with _reading() as session:
        for Row in _tables_of_tries():
            asked = select(Row.try_number, Row.state, Row.start_date, Row.end_date)
            asked = asked.where(Row.dag_id == dag_id, Row.run_id == run_id, Row.task_id == task_id)
            asked = asked.where(Row.map_index == map_index).execution_options(include_all_attempts=True)
            for row in session.execute(asked):
                found[int(row[0] or 0)] = TryRow(int(row[0] or 0), str(row[1] or ""), _iso(row[2]), _iso(row[3]))
    return [found[number] for number in sorted(found)][-limit:]


def _tables_of_tries() -> list[Any]:
    """The tables with the tries of task instances, the current one last."""
    from airflow.models.taskinstance import TaskInstance

    if TRIES_IN_ONE_TABLE:
        return [TaskInstance]
    from airflow.models.taskinstancehistory import TaskInstanceHistory

    return [TaskInstanceHistory, TaskInstance]


def dag_ids() -> set[str]:
    """The ids of all DAGs that Airflow knows."""
    from airflow.models.dag import DagModel
    from sqlalchemy import select

    with _reading() as session:
        return set(session.scalars(select(DagModel.dag_id)))


def serialized_dag(dag_id: str) -> Mapping[str, Json]:
    """The latest version of a DAG as it was serialized; empty if there is none."""
    from airflow.models.serialized_dag import SerializedDagModel

    with _reading() as session:
        found: Any = SerializedDagModel.get(dag_id, session=session)
        data: Json = found.data if found is not None else None
    return as_object(as_object(data).get("dag"))


def dags_mentioning(word: str, among: Sequence[str]) -> list[str]:
    """The DAGs whose serialized text contains ``word``; none if Airflow compresses serialized DAGs."""
    from airflow.models.serialized_dag import SerializedDagModel as Row
    from sqlalchemy import String, cast, select

    asked = select(Row.dag_id).where(Row.dag_id.in_(among), cast(Row._data, String).contains(word)).distinct()
    with _reading() as session:
        return sorted(session.scalars(asked))


def ended_with(task: str, key: str, limit: int) -> Iterator[tuple[str, Json]]:
    """(DAG, value) of the tasks called ``task``, in a task group or not, in all DAGs, newest first."""
    from airflow.models.xcom import XComModel as Row
    from sqlalchemy import or_, select

    asked = select(Row.dag_id, Row.value).where(Row.key == key)
    asked = asked.where(or_(Row.task_id == task, Row.task_id.endswith(f".{task}", autoescape=True)))
    with _reading() as session:
        rows = session.execute(asked.order_by(Row.timestamp.desc()).limit(limit)).all()
    yield from ((row[0], _value(row[1])) for row in rows)


@contextmanager
def _reading() -> Iterator[Session]:
    from airflow.utils.session import create_session

    with create_session() as session:
        yield session


def _run(found: Any) -> RunRow:
    return RunRow(
        found.dag_id,
        found.run_id,
        str(found.state or ""),
        _iso(found.start_date),
        _iso(found.end_date),
        str(getattr(found.run_type, "value", found.run_type) or ""),
        str(getattr(found, "triggering_user_name", "") or ""),
        _iso(found.logical_date),
    )


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _value(stored: Json) -> Json:
    """An XCom's value; workers store it as JSON in text."""
    if not isinstance(stored, str):
        return stored
    try:
        return json.loads(stored)  # type: ignore[no-any-return]
    except ValueError:
        return stored


def as_object(value: Json) -> Mapping[str, Json]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}
