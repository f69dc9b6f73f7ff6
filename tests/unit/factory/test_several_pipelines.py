"""Several pipelines in one DAG: each is a run of its own."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup, task_group

from airflow_sagemaker_mlops import InvalidPipeline, SageMakerPipelineDag, SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.execution.identity import digest
from airflow_sagemaker_mlops.execution.scope_values import execution_variables
from airflow_sagemaker_mlops.runtime.context import identity_of
from airflow_sagemaker_mlops.runtime.parameter_values import rendered_here
from airflow_sagemaker_mlops.runtime.selective.conf import pipelines_in
from airflow_sagemaker_mlops.runtime.step_task import StepTask

ROLE = "arn:aws:iam::123456789012:role/R"
JOBS = {"Version": "2020-12-01", "Steps": [{"Name": "Train", "Type": "Training", "Arguments": {"RoleArn": ROLE}}]}
BROKEN = {"Version": "2020-12-01", "Steps": [{"Name": "Train", "Type": "Trianing"}]}


def run_id_of(dag: Any, task_id: str, map_index: int = -1) -> str:
    """``Execution.PipelineExecutionId`` of a step in the run "r", as its trigger or worker makes it."""
    task = StepTask.from_json(dag.get_task(task_id).step.to_json())
    ti: Any = SimpleNamespace(dag_id=dag.dag_id, run_id="r", task_id=task_id, map_index=map_index, try_number=1)
    identity = identity_of(task, ti, SimpleNamespace(start_date=None, run_after=None), "")
    variables = execution_variables(identity, "eu-west-1")
    assert variables["PipelineExecutionArn"].endswith(variables["PipelineExecutionId"])
    return variables["PipelineExecutionId"]


def test_a_pipeline_that_is_alone_has_the_id_of_its_dag_and_run() -> None:
    with DAG("alone", schedule=None) as dag:
        SageMakerPipelineTaskGroup("ml", JOBS)
    assert run_id_of(dag, "ml.Train") == digest("alone", "r")[:12]
    assert run_id_of(SageMakerPipelineDag("alone", JOBS), "Train") == digest("alone", "r")[:12]


def test_each_pipeline_of_a_dag_has_an_id_of_its_own() -> None:
    with DAG("several", schedule=None) as dag:
        for customer in ("blue", "green"):
            SageMakerPipelineTaskGroup(customer, JOBS)
        with TaskGroup("outer"):
            SageMakerPipelineTaskGroup("blue", JOBS)
        SageMakerPipelineTaskGroup("last", JOBS, prefix_group_id=False)
    ids = [run_id_of(dag, name) for name in ("blue.Train", "green.Train", "outer.blue.Train", "Train")]
    assert ids[0] == digest("several", "r")[:12]
    assert len(set(ids)) == 4


def test_a_group_inside_of_a_pipeline_dag_has_an_id_of_its_own() -> None:
    with SageMakerPipelineDag("outside", JOBS) as dag:
        SageMakerPipelineTaskGroup("inside", JOBS)
    assert run_id_of(dag, "Train") == digest("outside", "r")[:12] != run_id_of(dag, "inside.Train")


def test_instances_of_two_mapped_pipelines_have_ids_of_their_own() -> None:
    with DAG("mapped", schedule=None) as dag:
        for name in ("one", "two"):

            @task_group(group_id=name)
            def each(customer: str) -> None:
                SageMakerPipelineTaskGroup("ml", JOBS)

            each.expand(customer=["a", "b"])
    ids = {run_id_of(dag, f"{name}.ml.Train", index) for name in ("one", "two") for index in (0, 1)}
    assert len(ids) == 4


def test_a_broken_pipeline_keeps_the_place_of_the_mended_one() -> None:
    ids = []
    for first in (JOBS, BROKEN):
        with DAG("mended", schedule=None) as dag:
            SageMakerPipelineTaskGroup("a", first, on_invalid="placeholder")
            SageMakerPipelineTaskGroup("b", JOBS)
        ids.append(run_id_of(dag, "b.Train"))
    assert ids[0] == ids[1]


def pipeline_of(*names: str) -> dict[str, Any]:
    steps = [{"Name": name, "Type": "Training", "Arguments": {"RoleArn": {"Get": "Parameters.Day"}}} for name in names]
    return {"Version": "2020-12-01", "Parameters": [{"Name": "Day", "Type": "String"}], "Steps": steps}


@pytest.mark.parametrize("name", ["status", "parameters", "teardown", "invalid"])
def test_a_step_that_would_look_like_a_task_of_a_pipeline_is_refused(name: str) -> None:
    for prefix in ("", "team."):
        said = (
            rf'SM230\] the step "{name}" of task group "{prefix}pipeline" would have the task id '
            rf'"{prefix}pipeline.{name}"'
        )
        with DAG("named", schedule=None), TaskGroup("team") if prefix else nullcontext():
            with pytest.raises(InvalidPipeline, match=said):
                SageMakerPipelineTaskGroup("pipeline", pipeline_of(name))
            SageMakerPipelineTaskGroup("pipelines", pipeline_of(name))


def test_two_tasks_of_one_id_are_refused_with_both_places() -> None:
    for name in ("status", "parameters"):
        with SageMakerPipelineDag("both", pipeline_of("Train"), parameters={"Day": "{{ ds }}"}):
            said = rf'(?s)the step "{name}" of task group "pipeline" would have .*as a task of the DAG has'
            with pytest.raises(InvalidPipeline, match=said):
                SageMakerPipelineTaskGroup("pipeline", pipeline_of(name), on_invalid="import_error")
    with DAG("both", schedule=None):
        SageMakerPipelineTaskGroup("one", pipeline_of("Train"), prefix_group_id=False)
        said = r'the step "Train" of task group "two" .*"Train", as the step "Train" of task group "one" has'
        with pytest.raises(InvalidPipeline, match=said):
            SageMakerPipelineTaskGroup("two", pipeline_of("Train"), prefix_group_id=False)


def test_a_users_task_with_such_an_id_is_no_task_of_the_pipeline() -> None:
    with SageMakerPipelineDag("users", pipeline_of("Train"), parameters={"Day": "1"}) as dag, TaskGroup("pipeline"):
        EmptyOperator(task_id="parameters")
        with TaskGroup("pipeline"):
            EmptyOperator(task_id="status")
    ti: Any = SimpleNamespace(task=SimpleNamespace(dag=dag))
    assert rendered_here(ti, "") == {}
    assert pipelines_in(dag) == [""]
