"""``x-drift-check`` in a document: its tasks in the plan, and its steps for the service."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import examine, load_pipeline
from airflow_sagemaker_mlops.definition.for_service import NotForService, for_service
from airflow_sagemaker_mlops.definition.model import Pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.branch_closure import not_taken

OUTPUT = "Steps.Process.ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"
LISTS = {"drift": "DriftSteps", "stable": "StableSteps", "inconclusive": "InconclusiveSteps"}


def process(*outputs: str) -> dict[str, Any]:
    return {
        "Name": "Process",
        "Type": "Processing",
        "Arguments": {
            "RoleArn": "arn:aws:iam::123456789012:role/R",
            "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["python3", "process.py"]},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 4, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}
            },
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": name,
                        "S3Output": {"S3Uri": f"s3://b/{name}", "LocalPath": "/o", "S3UploadMode": "EndOfJob"},
                    }
                    for name in outputs
                ]
            },
        },
    }


def step(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Lambda", "FunctionArn": "f"}


def drift(**keys: Any) -> dict[str, Any]:
    return {
        "Name": "Drift",
        "Type": "x-drift-check",
        "Data": {"Step": "Process", "Output": "day"},
        "Baseline": "s3://b/profile.json",
        **keys,
    }


def pipeline_of(*steps: dict[str, Any]) -> Pipeline:
    parameters = [{"Name": "Limit", "Type": "Float", "DefaultValue": 0.25}]
    return load_pipeline({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)})


@pytest.mark.parametrize("given", range(1, 8))
@pytest.mark.parametrize("verdict", sorted(LISTS))
def test_with_each_verdict_the_steps_listed_for_it_run_and_no_others(given: int, verdict: str) -> None:
    chosen = [name for bit, name in enumerate(LISTS) if given >> bit & 1]
    lists = {LISTS[name]: [step(f"With-{name}")] for name in chosen}
    plan = make_plan(pipeline_of(process("day"), drift(**lists)))
    outcomes = {
        task.task_id: task.spec.arguments["Conditions"][0]["RightValue"] == verdict
        for task in plan.tasks
        if task.step_type == "Condition"
    }
    run = {task.task_id for task in plan.tasks if task.step_type == "Lambda"} - not_taken(plan, outcomes)
    assert run == ({f"With-{verdict}"} if verdict in chosen else set())


def test_its_job_reads_the_data_the_baseline_and_the_next_one_with_the_image_of_the_data() -> None:
    keys = {"Baseline": {"Step": "Process", "Output": "old"}, "NextBaseline": {"Step": "Process", "Output": "new"}}
    task = make_plan(pipeline_of(process("day", "old", "new"), drift(**keys))).by_id["Drift"]
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in task.spec.arguments["ProcessingInputs"]}
    assert inputs == {
        "data": {"Get": OUTPUT.format("day")},
        "baseline": {"Get": OUTPUT.format("old")},
        "next-baseline": {"Get": OUTPUT.format("new")},
    }
    assert task.spec.arguments["AppSpecification"] == {"ImageUri": "image"}
    assert task.reads == ("Process",)


def test_a_baseline_that_a_run_gives_orders_the_steps() -> None:
    champion = {
        "Name": "Champion",
        "Type": "x-champion",
        "Arguments": {"ModelPackageGroupName": "g", "HistoryS3Uri": "s3://bucket/history"},
    }
    checked = drift(Baseline={"Get": "Steps.Champion.DriftBaseline"})
    task = make_plan(pipeline_of(champion, process("day"), checked)).by_id["Drift"]
    assert sorted(task.reads) == ["Champion", "Process"]
    assert task.spec.arguments["ProcessingInputs"][1]["S3Input"]["S3Uri"] == {"Get": "Steps.Champion.DriftBaseline"}


def test_a_baseline_of_a_champion_needs_a_place_for_its_absence() -> None:
    champion = {"Name": "Champion", "Type": "x-champion", "Arguments": {"ModelPackageGroupName": "g"}}
    checked = drift(Baseline={"Get": "Steps.Champion.DriftBaseline"})
    problems = examine({"Version": "2020-12-01", "Steps": [champion, process("day"), checked]})[1]
    assert [problem.code for problem in problems] == ["SM321"]


@pytest.mark.parametrize(
    ("keys", "fails"),
    [
        ({}, True),
        ({"StableSteps": [step("S")]}, False),
        ({"FailOnDrift": False}, False),
        ({"StableSteps": [step("S")], "FailOnDrift": True}, True),
        ({"FailOnDrift": {"Get": "Parameters.Limit"}}, {"Get": "Parameters.Limit"}),
    ],
)
def test_drift_fails_the_step_if_nothing_else_depends_on_its_verdict(keys: dict[str, Any], fails: Any) -> None:
    task = make_plan(pipeline_of(process("day"), drift(**keys))).by_id["Drift"]
    assert task.spec.settings["FailOnDrift"] == fails


def test_a_check_whose_verdict_changes_nothing_is_pointed_out() -> None:
    def codes(**keys: Any) -> list[str]:
        return [one.code for one in examine({"Version": "2020-12-01", "Steps": [process("day"), drift(**keys)]})[1]]

    assert codes(FailOnDrift=False) == ["SM312"]
    assert codes() == codes(FailOnDrift=False, DriftSteps=[step("D")]) == []


def test_on_the_service_it_is_a_processing_step_with_a_property_file_and_conditions() -> None:
    register = {
        "Name": "Tell",
        "Type": "Lambda",
        "FunctionArn": "f",
        "Arguments": {"profile": {"Get": "Steps.Drift.Profile"}, "why": {"Get": "Steps.Drift.Sentence"}},
    }
    keys = {"Rules": [{"Check": "psi", "Max": {"Get": "Parameters.Limit"}}], "DriftSteps": [register]}
    made = for_service(pipeline_of(process("day"), drift(**keys)))
    steps = {one["Name"]: one for one in made.document["Steps"]}
    words = steps["Drift"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    options = {word: words[at + 1] for at, word in enumerate(words) if isinstance(word, str) and word[:2] == "--"}
    assert options["--no-baseline"] == "stable"
    assert options["--fail-on-drift"] == "false"
    assert words[-3:] == ["--set", ".Rules[0].Max", {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Limit"}]}}]
    file = {"Get": "Steps.Drift.PropertyFiles.DriftReport"}
    read = {"Std:JsonGet": {"PropertyFile": file, "Path": "verdict"}}
    condition = steps["Drift-drift"]["Arguments"]
    assert condition["Conditions"] == [{"Type": "Equals", "LeftValue": read, "RightValue": "drift"}]
    folder = {"Get": "Steps.Drift.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"}
    told = condition["IfSteps"][0]["Arguments"]
    assert told["profile"] == {"Std:Join": {"On": "/", "Values": [folder, "profile.json"]}}
    assert told["why"] == {"Std:JsonGet": {"PropertyFile": file, "Path": "sentence"}}
    assert {uri.rpartition("-")[0] for uri in made.files} == {"s3://b/drift-check/drift", "s3://b/drift-check/rules"}
    assert not [one for one in load_pipeline(made.document).steps if one.type.startswith("x-")]


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({}, "true"),
        ({"FailOnDrift": False}, "false"),
        (
            {"FailOnDrift": {"Get": "Parameters.Limit"}},
            {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Limit"}]}},
        ),
    ],
)
def test_the_job_fails_by_itself_on_the_service(keys: dict[str, Any], word: Any) -> None:
    made = for_service(pipeline_of(process("day"), drift(**keys)))
    words = made.document["Steps"][1]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert words[words.index("--fail-on-drift") + 1] == word


def test_a_baseline_of_a_champion_cannot_go_to_the_service() -> None:
    champion = {
        "Name": "Champion",
        "Type": "x-champion",
        "Arguments": {"ModelPackageGroupName": "g", "HistoryS3Uri": "s3://bucket/history"},
    }
    with pytest.raises(NotForService, match="SM315"):
        for_service(pipeline_of(champion, process("day"), drift(Baseline={"Get": "Steps.Champion.DriftBaseline"})))
