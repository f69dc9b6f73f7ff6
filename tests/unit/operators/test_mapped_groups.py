"""A pipeline in a mapped task group: every instance is a run of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG, task, task_group
from played_runs import BRANCH, BUSY, SHORT, play

from airflow_sagemaker_mlops import SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.operators.steps import instance_to_skip
from airflow_sagemaker_mlops.runtime.task_states import sibling_result, states_of

EMPTY = {"Type": "x-airflow", "Operator": "airflow.providers.standard.operators.empty.EmptyOperator"}
STEPS = [{**EMPTY, "Name": "Prep"}, {**EMPTY, "Name": "Other"}, {**EMPTY, "Name": "Score", "DependsOn": ["Prep"]}]
PIPELINE = {"Version": "2020-12-01", "Steps": STEPS}
ROLE = "arn:aws:iam::123456789012:role/R"
TRAIN = {"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": ROLE}}
MODEL = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
CREATE = {"Name": "Create", "Type": "Model", "Arguments": {"PrimaryContainer": {"ModelDataUrl": MODEL}}}
JOBS = {"Version": "2020-12-01", "Steps": [TRAIN, CREATE]}


def mapped(document: Any = PIPELINE, *, approve: bool = False, **options: Any) -> Any:
    with DAG("mapped", schedule=None) as dag:

        @task
        def customers() -> list[str]:
            return []

        @task_group
        def each(customer: str) -> None:
            group = SageMakerPipelineTaskGroup("ml", document, **options)
            if approve:
                check = ShortCircuitOperator(task_id="approve", python_callable=bool)
                group.step_tasks["Prep"] >> check >> group.step_tasks["Score"]

        each.expand(customer=customers()) >> EmptyOperator(task_id="after", trigger_rule="all_done")
    return dag


def played(monkeypatch: pytest.MonkeyPatch, dag: Any, **acts: str) -> Any:
    named = {
        f"each.ml.{name}" if name.partition("_")[0] in ("Prep", "Other", "Score") else name: act
        for name, act in acts.items()
    }
    return play(dag, {"customers": ["blue", "green"], **named}, monkeypatch)


def statuses(end: Any) -> list[Any]:
    return [end.xcoms.get(("each.ml.pipeline.status", "return_value", index), {}).get("Status") for index in (0, 1)]


def test_every_instance_has_a_status_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    end = played(monkeypatch, mapped())
    assert (end.state, statuses(end)) == ("success", ["Succeeded", "Succeeded"])
    end = played(monkeypatch, mapped(), Prep_1="failed")
    assert (end.state, statuses(end)) == ("failed", ["Succeeded", "Failed"])
    assert end.xcoms["each.ml.pipeline.status", "return_value", 1]["Failed"] == ["each.ml.Prep"]


@pytest.mark.parametrize("how", [SHORT, BRANCH])
def test_a_short_circuit_in_one_instance_skips_nothing_of_another(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    end = played(monkeypatch, mapped(approve=True), **{"each.approve_0": how})
    assert end.state == "success"
    assert (end.states["each.ml.Score_0"], end.states["each.ml.Score_1"]) == ("skipped", "success")
    end = played(monkeypatch, mapped(approve=True), **{"each.approve_0": how, "Other_0": BUSY})
    assert end.state == "failed"


def test_all_instances_are_there_before_any_step_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition skips instances of the branch not taken by name; one that is made later would run."""
    end = played(monkeypatch, mapped(), Prep="failed")
    assert {name for name in end.states if name.startswith("each.ml.Score")} == {"each.ml.Score_0", "each.ml.Score_1"}


def test_a_condition_skips_the_branch_of_its_own_instance() -> None:
    dag = mapped(JOBS)
    ti = SimpleNamespace(task_id="each.ml.Train", map_index=1, task=dag.get_task("each.ml.Train"))
    assert instance_to_skip(ti, "each.ml.Create") == ("each.ml.Create", 1)
    assert instance_to_skip(ti, "after") == "after"


def test_steps_of_a_mapped_group_begin_in_a_worker() -> None:
    tasks = mapped(JOBS).task_dict
    assert not any(
        tasks[f"each.ml.{name}"].start_from_trigger for name in ("Train", "pipeline.status", "pipeline.teardown")
    )


def test_references_and_states_are_of_the_same_instance() -> None:
    dag = mapped(JOBS)
    asked: list[Any] = []

    def get_task_states(**question: Any) -> Any:
        asked.append(question)
        return {"r": {f"{name}_{question['map_index']}": "success" for name in question["task_ids"]}}

    ti = SimpleNamespace(
        dag_id="mapped",
        run_id="r",
        task_id="each.ml.Create",
        map_index=1,
        task=dag.get_task("each.ml.Create"),
        get_task_states=get_task_states,
        xcom_pull=lambda *, task_ids, key, map_indexes=None: (task_ids, map_indexes),
    )
    assert states_of(ti, ["each.ml.Train"]) == {"each.ml.Train": "success"}
    assert asked[0]["map_index"] == 1
    assert sibling_result(ti, "each.ml.Train") == ("each.ml.Train", 1)
    assert sibling_result(ti, "customers") == ("customers", None)
