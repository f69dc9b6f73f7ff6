"""A DAG run played by Airflow's own scheduler code on a database in memory; tasks end as a test says.

The scheduler decides which tasks run and how the run ends.  Tasks of the user and steps do nothing but end; the tasks
that conclude a pipeline are executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagrun import DagRun
from airflow.models.taskmap import TaskMap
from airflow.sdk.execution_time.xcom import XCom
from airflow.serialization.serialized_objects import DagSerialization
from sqlalchemy.orm import Session

from airflow_sagemaker_mlops.airflow_versions import AirflowSkipException, DownstreamTasksSkipped, TaskDeferred
from airflow_sagemaker_mlops.operators.pipeline_tasks import RunConditionOperator
from airflow_sagemaker_mlops.operators.status import PipelineStatusOperator
from airflow_sagemaker_mlops.runtime.task_states import PASSED_OVER
from airflow_sagemaker_mlops.xcom_keys import REASON_KEY

FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
# A short circuit that is false; a branch that goes nowhere; a task that is still running while others end.
SHORT, BRANCH, BUSY = "short", "branch", "busy"
ROUNDS = 60
_ENGINES: list[Any] = []


@dataclass
class Played:
    """How a run ended: its state, and those of its tasks by the key that ``get_task_states`` uses."""

    state: str = ""
    states: dict[str, str | None] = field(default_factory=dict)
    xcoms: dict[tuple[str, str, int], Any] = field(default_factory=dict)


def play(dag: Any, acts: Mapping[str, str | list[Any]], monkeypatch: pytest.MonkeyPatch) -> Played:
    """Play a run of ``dag``; ``acts`` says how tasks end, by id or by ``id_<map index>``; the others end well.

    A list is the value that a task pushes, for a group that is mapped over it.
    """
    played = Played()
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))

    def get_one(*, key: str, task_id: str, map_index: int | None = None, **_: Any) -> Any:
        return played.xcoms.get((task_id, key, -1 if map_index is None else map_index))

    monkeypatch.setattr(XCom, "get_one", get_one)
    if not _ENGINES:
        import_all_models()
        engine = sqlalchemy.create_engine("sqlite://")
        Base.metadata.create_all(engine)
        _ENGINES.append(engine)
    with Session(_ENGINES[0]) as session:
        run = DagRun(dag_id=dag.dag_id, run_id="r", run_type="manual", state="running", run_after=datetime.now(UTC))
        run.dag = scheduled
        run.start_date = datetime.now(UTC)
        session.add(run)
        session.flush()
        run.verify_integrity(dag_version_id=None, session=session)
        for _ in range(ROUNDS):
            ready, _ = run.update_state(session=session, execute_callbacks=False)
            if run.state != "running":
                break
            tis = run.get_task_instances(session=session)
            for ti in [ti for ti in tis if ti.state == "running"] or ready:
                operator = dag.task_dict[ti.task_id]
                ti.state = _end_of(operator, ti, tis, run, acts, played, session)
                ti.end_date = datetime.now(UTC)
        played.state = str(getattr(run.state, "value", run.state))
        played.states = _states(run, session)
        session.rollback()
    return played


def _end_of(
    operator: Any, ti: Any, tis: list[Any], run: Any, acts: Mapping[str, Any], played: Played, session: Session
) -> str:
    if isinstance(operator, PipelineStatusOperator | RunConditionOperator):
        return _executed(operator, ti, tis, run, played)
    key = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
    act = acts.get(key, acts.get(ti.task_id, "success"))
    if act == BUSY and ti.state != "running":
        return "running"
    if act in (SHORT, BRANCH):
        _skip_others(operator, ti, tis, played, every=act == SHORT)
        return "success"
    if act == "skipped" and hasattr(operator, "pipeline_step"):
        played.xcoms[ti.task_id, "return_value", ti.map_index] = dict(PASSED_OVER)
    if isinstance(act, list):
        session.add(TaskMap(ti.dag_id, ti.task_id, "r", ti.map_index, len(act), None))
        return "success"
    if act.startswith("failed: "):
        played.xcoms[ti.task_id, REASON_KEY, ti.map_index] = {"try": 1, "why": act.removeprefix("failed: ")}
        return "failed"
    return "failed" if act == BUSY else str(act)


def _skip_others(operator: Any, ti: Any, tis: list[Any], played: Played, *, every: bool) -> None:
    """As ``ShortCircuitOperator`` does where it ignores trigger rules, or as a branch does to those right behind it."""
    below = operator.get_flat_relatives(upstream=False) if every else operator.downstream_list
    names = {task.task_id for task in below if not (every and task.is_teardown)}
    played.xcoms[ti.task_id, "skipmixin_key", ti.map_index] = {"skipped": sorted(names)} if every else {"followed": []}
    for other in tis:
        if other.task_id in names and other.map_index == ti.map_index and other.state not in {*FINISHED, "running"}:
            other.state = "skipped"


def _executed(operator: Any, ti: Any, tis: list[Any], run: Any, played: Played) -> str:
    def get_task_states(*, task_ids: list[str], map_index: int | None = None, **_: Any) -> dict[str, Any]:
        found = [other for other in tis if other.task_id in task_ids and map_index in (None, other.map_index)]
        return {"r": {_key(other): other.state for other in found}}

    def xcom_push(*, key: str, value: Any) -> None:
        played.xcoms[ti.task_id, key, ti.map_index] = value

    fake = SimpleNamespace(
        dag_id=run.dag_id,
        run_id="r",
        task_id=ti.task_id,
        map_index=ti.map_index,
        task=operator,
        get_task_states=get_task_states,
        xcom_push=xcom_push,
    )
    context: Any = {"ti": fake, "dag_run": SimpleNamespace(conf={}, start_date=run.start_date), "params": {}}
    try:
        result = operator.execute(context)
    except TaskDeferred:
        return "running"
    except AirflowSkipException:
        return "skipped"
    except DownstreamTasksSkipped:
        return "success"
    except Exception:
        return "failed"
    xcom_push(key="return_value", value=result)
    return "success"


def _key(ti: Any) -> str:
    return ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"


def _states(run: Any, session: Session) -> dict[str, str | None]:
    return {_key(ti): ti.state for ti in run.get_task_instances(session=session)}
