"""The steps that a waiting step counts ahead of itself in the queue."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.execution_time.xcom import XCom

from airflow_sagemaker_mlops import SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.execution.concurrency import BEGUN
from airflow_sagemaker_mlops.operators import TrainingStepOperator
from airflow_sagemaker_mlops.runtime.queue import TaskQueueSlots, time_of
from airflow_sagemaker_mlops.runtime.step_task import StepTask
from airflow_sagemaker_mlops.runtime.task_store.worker import WorkerTaskStore

BASH = "airflow.providers.standard.operators.bash.BashOperator"
NOTE = {"Name": "Note", "Type": "x-airflow", "Operator": BASH, "Arguments": {"bash_command": "true"}}
ROLE = "arn:aws:iam::123456789012:role/R"


def others(
    monkeypatch: pytest.MonkeyPatch, dag: DAG, task_id: str, states: dict[str, str], map_index: int = -1
) -> dict[str, float]:
    taken = {("each", 1): {"try": 1, "time": 7.0}, ("g.B", None): {"try": 1, "time": 5.0}}
    monkeypatch.setattr(XCom, "get_one", lambda *, task_id, map_index, **_: taken.get((task_id, map_index)))
    ti: Any = SimpleNamespace(
        dag_id="d",
        run_id="r",
        task_id=task_id,
        map_index=map_index,
        task=SimpleNamespace(dag=dag),
        get_task_states=lambda **_: {"r": states},
    )
    operator: Any = dag.get_task(task_id)
    step = StepTask("Training") if map_index >= 0 else operator.step
    return dict(asyncio.run(TaskQueueSlots(WorkerTaskStore({"ti": ti}), ti, step).others()))


def test_only_steps_of_its_own_pipeline_stand_before_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [{"Name": name, "Type": "Training", "Arguments": {"RoleArn": ROLE}} for name in "ABC"]
    with DAG("d", schedule=None) as dag:
        SageMakerPipelineTaskGroup("g", {"Version": "2020-12-01", "Steps": [*steps, NOTE]}, max_parallel_steps=2)
        SageMakerPipelineTaskGroup("h", {"Version": "2020-12-01", "Steps": steps})
        EmptyOperator(task_id="sensor")
    states = dict.fromkeys(("g.A", "g.B", "g.C", "g.Note", "h.A", "sensor"), "deferred")
    # C has no ticket yet: its trigger may not even have been started, and whatever ticket it takes is a later one.
    assert others(monkeypatch, dag, "g.A", states) == {"g.B": 5.0, "g.Note": 0.0}


def test_the_instances_of_a_mapped_step_see_each_others_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    with DAG("d", schedule=None) as dag:
        TrainingStepOperator.partial(task_id="each").expand(arguments=[{"RoleArn": ROLE}])
    states = {"each_0": "deferred", "each_1": "deferred", "each_2": "deferred"}
    assert others(monkeypatch, dag, "each", states, map_index=0) == {"each_1": 7.0}


@pytest.mark.parametrize(
    ("kept", "seen"),
    [
        ({"try": 1, "time": 7.0}, 7.0),
        ({"try": 1, "time": 7.0, "begun": True}, BEGUN),
        ({"try": 1, "time": 7.0, "left": True}, None),  # of before a clear: its next turn has not come
        (None, None),
    ],
)
def test_what_the_ticket_of_another_step_says(kept: Any, seen: float | None) -> None:
    assert time_of(kept, with_ticket=True) == seen


def test_a_task_that_takes_no_ticket_counts_as_begun() -> None:
    assert time_of(None, with_ticket=False) == BEGUN
