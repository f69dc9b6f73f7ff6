"""The tasks around a champion, and the DAG that rolls it back."""

from __future__ import annotations

from typing import Any

from airflow_names import DagSerialization

from airflow_sagemaker_mlops import SageMakerPipelineDag, champion_rollback_dag
from airflow_sagemaker_mlops.airflow_versions import ASKS_PEOPLE, STARTS_IN_TRIGGERER

PLACE = {"ModelPackageGroupName": "late-flights", "HistoryS3Uri": "s3://bucket/history"}
VERSION = "arn:aws:sagemaker:us-east-1:123456789012:model-package/late-flights/1"
DEFINITION = {
    "Version": "2020-12-01",
    "Steps": [
        {"Name": "Champion", "Type": "x-champion", "Arguments": PLACE},
        {"Name": "Ask", "Type": "x-approval", "Arguments": {"ModelPackageArn": VERSION}},
        {
            "Name": "Promote",
            "Type": "x-promote-champion",
            "DependsOn": ["Ask"],
            "Arguments": {**PLACE, "ModelPackageArn": VERSION, "Baseline": {"Get": "Steps.Champion.Baseline"}},
        },
    ],
}


def test_each_step_is_a_task_of_a_class_of_its_own() -> None:
    dag = SageMakerPipelineDag("late", definition=DEFINITION, schedule=None)
    tasks: dict[str, Any] = dag.task_dict
    kinds = {name: tasks[name].task_type for name in ("Champion", "Ask", "Promote")}
    assert kinds == {
        "Champion": "ChampionStepOperator",
        "Ask": "ApprovalStepOperator",
        "Promote": "PromoteChampionStepOperator",
    }
    # A required action is asked for by a worker; where Airflow has none, the triggerer waits for the registry.
    assert tasks["Ask"].start_from_trigger is (STARTS_IN_TRIGGERER and not ASKS_PEOPLE)
    assert tasks["Promote"].upstream_task_ids == {"Ask", "Champion"}
    DagSerialization.to_dict(dag)


def test_the_dag_that_rolls_back_asks_for_a_reason() -> None:
    dag = champion_rollback_dag("late-rollback", "late-flights", endpoint="late", tags=["models"])
    [task] = dag.tasks
    operator: Any = task
    assert (operator.model_package_group, operator.endpoint, operator.reason) == (
        "late-flights",
        "late",
        "{{ params.reason }}",
    )
    assert dag.params.get_param("reason").schema["minLength"] == 1  # so that the form cannot be sent without
    DagSerialization.to_dict(dag)
