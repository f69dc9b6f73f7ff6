"""The definition of a DAG, read from the serialized DAG, and the DAG that a folder of records belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from airflow.serialization.serialized_objects import DagSerialization

from airflow_sagemaker_mlops import SageMakerPipelineDag
from airflow_sagemaker_mlops.reports.definition_view import definition_view
from airflow_sagemaker_mlops.ui.data.definitions import is_pipeline, steps_in
from airflow_sagemaker_mlops.ui.data.indexes import owner_of

STORY = Path(__file__).parents[3] / "dags" / "late_flights" / "definition.yaml"
IS_GOOD = {
    "Name": "IsGood",
    "Type": "Condition",
    "Description": "Good *enough*?",
    "Arguments": {
        "Conditions": [{"Type": "GreaterThanOrEqualTo", "LeftValue": {"Get": "Parameters.Score"}, "RightValue": 0.9}],
        "IfSteps": [],
        "ElseSteps": [{"Name": "TooBad", "Type": "Fail", "Arguments": {"ErrorMessage": "Too low."}}],
    },
}


def view_of(definition: Any) -> dict[str, dict[str, Any]]:
    steps = steps_in(DagSerialization.to_dict(SageMakerPipelineDag("story", definition, schedule=None))["dag"])
    assert is_pipeline(steps)
    view = definition_view(steps)
    return {
        node["id"]: {**node, "edges": {e["target"]: e["label"] for e in view["edges"] if e["source"] == node["id"]}}
        for node in view["nodes"]
    }


def test_the_story_is_drawn_with_its_rules_and_the_branches_of_its_verdict() -> None:
    nodes = view_of(STORY)
    gate = nodes["IsBetter"]
    assert gate["words"][:2] == ["AUC must improve by more than Margin", "log loss may be worse by less than 1%"]
    assert gate["edges"] == {
        "RegisterModel": "promote",
        "RegisterRejected": "reject",
        "RegisterUndecided": "inconclusive",
    }
    assert "Runs on InstanceType." in nodes["TrainModel"]["more"]
    assert not [name for name in nodes if "." in name]


def test_a_condition_says_its_words_before_any_run() -> None:
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Score", "Type": "Float", "DefaultValue": 0.95}],
        "Steps": [IS_GOOD],
    }
    condition = view_of(definition)["IsGood"]
    assert condition["words"] == ["Score >= 0.9"]
    assert condition["about"].startswith("Good *enough*?")
    assert condition["edges"] == {"TooBad": "Else"}


@pytest.mark.parametrize("dag", [{}, {"tasks": 3}, {"tasks": [None, {"__var": {"task_id": 5}}], "edge_info": []}])
def test_a_serialized_dag_of_any_shape_has_no_steps(dag: dict[str, Any]) -> None:
    assert not is_pipeline(steps_in(dag))


@pytest.mark.parametrize(
    ("record_id", "owner"),
    [("daily", "daily"), ("daily.train", "daily.train"), ("daily.group", "daily"), ("other", ""), ("dailyx", "")],
)
def test_records_of_a_task_group_belong_to_its_dag_unless_a_dag_has_the_whole_name(record_id: str, owner: str) -> None:
    assert owner_of(record_id, {"daily", "daily.train"}) == owner
