"""What the pages read on Airflow 3.4, where XComs belong to tries and all tries are in one table.

The tables have the columns of 3.4.0b2 that the pages use; 3.4 itself hides earlier tries from most queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Column, DateTime, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base

from airflow_sagemaker_mlops.ui.data import airflow_rows

Base: Any = declarative_base()
WHERE = {"dag_id": "daily", "run_id": "monday", "task_id": "Train", "map_index": -1}


class TaskTry(Base):
    __tablename__ = "task_instance"
    id = Column(Integer, primary_key=True)
    dag_id, run_id, task_id, state = (Column(String) for _ in range(4))
    map_index, try_number = Column(Integer), Column(Integer)
    start_date, end_date = Column(DateTime), Column(DateTime)


class Sent(Base):
    __tablename__ = "xcom_v2"
    id = Column(Integer, primary_key=True)
    dag_id, run_id, task_id, key = (Column(String) for _ in range(4))
    map_index, value, timestamp = Column(Integer), Column(JSON), Column(DateTime)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:

        @contextmanager
        def reading() -> Iterator[Session]:
            yield session

        monkeypatch.setattr(airflow_rows, "_reading", reading)
        monkeypatch.setattr(airflow_rows, "TRIES_IN_ONE_TABLE", True)
        monkeypatch.setattr("airflow.models.taskinstance.TaskInstance", TaskTry)
        monkeypatch.setattr("airflow.models.xcom.XComModel", Sent)
        yield session
    engine.dispose()


def test_all_tries_come_from_the_table_of_task_instances(database: Session) -> None:
    states = ["up_for_retry", "success"]
    database.add_all(TaskTry(**WHERE, try_number=number, state=state) for number, state in enumerate(states, 1))
    found = airflow_rows.tries_of("daily", "monday", "Train", -1)
    assert [(one.number, one.state) for one in found] == [(1, "up_for_retry"), (2, "success")]


def test_the_newest_try_counts_where_several_have_sent_something(database: Session) -> None:
    times = [datetime(2026, 11, day, tzinfo=UTC) for day in (2, 1)]
    values = [{"Record": "s3://b/new.json"}, {"Record": "s3://b/old.json"}]
    for at, value in zip(times, values, strict=True):
        database.add(Sent(**WHERE, key="return_value", value=value, timestamp=at))
    assert airflow_rows.xcoms("daily", "monday", ["return_value"]) == {("Train", -1, "return_value"): values[0]}
    assert [one.value for one in airflow_rows.latest_xcoms("daily", ["Train"], "return_value", 10)] == values[:1]
