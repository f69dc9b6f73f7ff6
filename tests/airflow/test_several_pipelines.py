"""Several pipelines in one DAG: each is a run of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG, TaskGroup, task_group

from airflow_sagemaker_mlops import SageMakerPipelineDag, SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.execution.identity import digest
from airflow_sagemaker_mlops.execution.scope_values import execution_variables
from airflow_sagemaker_mlops.runtime.context import identity_of
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
