"""``x-champion-gate`` in a document: its tasks in the plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.branch_closure import not_taken
from airflow_sagemaker_mlops.plan.model import Plan

ROLE = "arn:aws:iam::123456789012:role/R"
EVALUATE: dict[str, Any] = {
    "Name": "Evaluate",
    "Type": "Processing",
    "Arguments": {
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": {"Get": "Parameters.Image"},
            "ContainerEntrypoint": ["python3", "evaluate.py"],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 4,
                "InstanceType": "ml.m5.xlarge",
                "VolumeSizeInGB": 20,
                "VolumeKmsKeyId": "k",
            }
        },
        "Environment": {"A": "b"},
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Tags": [{"Key": "team", "Value": "flights"}],
        "ProcessingOutputConfig": {
            "KmsKeyId": "o",
            "Outputs": [
                {
                    "OutputName": "predictions",
                    "S3Output": {"S3Uri": "s3://b/p", "LocalPath": "/o", "S3UploadMode": "EndOfJob"},
                }
            ],
        },
    },
}


def step(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Lambda", "FunctionArn": "f"}


def gate(**keys: Any) -> dict[str, Any]:
    return {
        "Name": "IsBetter",
        "Type": "x-champion-gate",
        "Champion": {"ModelPackageGroup": {"Get": "Parameters.Group"}},
        "Predictions": {"Step": "Evaluate", "Output": "predictions"},
        "Rules": [{"Metric": "auc", "Must": "improve", "By": {"Get": "Parameters.Margin"}}],
        **keys,
    }


def plan_of(*steps: dict[str, Any]) -> Plan:
    parameters = [
        {"Name": "Image", "Type": "String", "DefaultValue": "i"},
        {"Name": "Group", "Type": "String", "DefaultValue": "g"},
        {"Name": "Margin", "Type": "Float", "DefaultValue": 0.0},
    ]
    return make_plan(load_pipeline({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)}))


LISTS = {"promote": "PromoteSteps", "reject": "RejectSteps", "inconclusive": "InconclusiveSteps"}


@pytest.mark.parametrize("given", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("verdict", sorted(LISTS))
def test_with_each_verdict_the_steps_listed_for_it_run_and_no_others(given: int, verdict: str) -> None:
    """Conditions hold when their operand is the verdict; of all sets of lists that a gate may have."""
    chosen = [name for bit, name in enumerate(LISTS) if given >> bit & 1]
    plan = plan_of(EVALUATE, gate(**{LISTS[name]: [step(f"With-{name}")] for name in chosen}))
    outcomes = {
        task.task_id: task.spec.arguments["Conditions"][0]["RightValue"] == verdict
        for task in plan.tasks
        if task.step_type == "Condition"
    }
    left_out = not_taken(plan, outcomes)
    run = {task.task_id for task in plan.tasks if task.step_type == "Lambda"} - left_out
    assert run == ({f"With-{verdict}"} if verdict in chosen else set())


def test_its_job_is_that_of_the_step_before_it_without_what_is_for_the_other_program() -> None:
    task = plan_of(EVALUATE, gate()).by_id["IsBetter"]
    source = {"Get": "Steps.Evaluate.ProcessingOutputConfig.Outputs['predictions'].S3Output.S3Uri"}
    place = "/opt/ml/processing/input/predictions"
    assert task.spec.arguments == {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": {"Get": "Parameters.Image"}},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.xlarge",
                "VolumeSizeInGB": 20,
                "VolumeKmsKeyId": "k",
            }
        },
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "Tags": [{"Key": "team", "Value": "flights"}],
        "ProcessingOutputConfig": {"KmsKeyId": "o"},
        "ProcessingInputs": [
            {
                "InputName": "predictions",
                "S3Input": {"S3Uri": source, "LocalPath": place, "S3DataType": "S3Prefix", "S3InputMode": "File"},
            }
        ],
    }
    assert task.reads == ("Evaluate",)
    assert sorted(task.spec.parameters) == ["Group", "Image", "Margin"]


def test_job_overrides_what_it_has_of_the_step_before_it() -> None:
    job = {"InstanceType": "ml.c5.large", "ImageUri": "other", "Environment": {"C": "d"}, "MaxRuntimeInSeconds": 9}
    arguments = plan_of(EVALUATE, gate(Job=job)).by_id["IsBetter"].spec.arguments
    assert arguments["AppSpecification"] == {"ImageUri": "other"}
    assert arguments["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.c5.large"
    assert arguments["Environment"] == {"C": "d"}
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 9}


def test_a_gate_may_stand_before_the_step_it_reads_and_inside_of_branches() -> None:
    condition = {
        "Name": "Weekday",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Parameters.Group"}, "RightValue": "g"}],
            "IfSteps": [gate(PromoteSteps=[gate(Name="Again", RejectSteps=[step("Deep")])])],
        },
    }
    plan = plan_of(condition, EVALUATE)
    edges = {task.task_id: [(edge.task_id, edge.label) for edge in task.upstream] for task in plan.tasks}
    assert edges["IsBetter"] == [("Weekday", "If"), ("Evaluate", "")]
    assert edges["IsBetter.promote"] == [("Weekday", "If"), ("IsBetter", "")]
    assert edges["Again"] == [("IsBetter.promote", "If"), ("Evaluate", "")]
    assert edges["Again.reject"] == [("IsBetter.promote", "If"), ("Again", "")]
    assert edges["Deep"] == [("Again.reject", "If")]
    assert plan.by_id["Weekday"].spec.branches == {"If": ["IsBetter", "IsBetter.promote"]}
    assert {"Deep", "Again.reject", "Again", "IsBetter"} <= not_taken(plan, {"Weekday": False})


def test_its_properties_stand_wherever_a_value_may_and_its_conditions_are_named_in_words() -> None:
    reader = {**step("Tell"), "Arguments": {"why": {"Get": "Steps.IsBetter.Sentence"}}}
    plan = plan_of(EVALUATE, gate(DisplayName="Is it better", RejectSteps=[reader]))
    assert plan.by_id["IsBetter"].spec.outputs == ("Sentence", "Verdict")
    assert plan.by_id["IsBetter.reject"].display_name == "Is it better: reject?"


def test_the_same_document_gives_the_same_plan() -> None:
    steps = [EVALUATE, gate(PromoteSteps=[step("A")], RejectSteps=[step("B")], InconclusiveSteps=[step("C")])]

    assert plan_of(*json.loads(json.dumps(steps))).to_json() == plan_of(*steps).to_json()
