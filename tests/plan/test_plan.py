from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.document import load_pipeline
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.closure import not_taken
from airflow_sagemaker_mlops.plan.model import VERDICT_TASK_ID, Plan
from airflow_sagemaker_mlops.plan.show import mermaid, tree

DAILY = Path(__file__).parents[2] / "dags" / "daily_model" / "definition.yaml"


def train(name: str, *after: str, uses: str = "") -> dict[str, Any]:
    arguments: dict[str, Any] = {"RoleArn": "arn:aws:iam::123456789012:role/R"}
    if uses:
        arguments["HyperParameters"] = {"x": {"Get": uses}}
    return {"Name": name, "Type": "Training", "Arguments": arguments, "DependsOn": list(after)}


def condition(name: str, then: list[Any], otherwise: list[Any], *after: str) -> dict[str, Any]:
    equal = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    arguments = {"Conditions": [equal], "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": list(after)}


def plan_of(*steps: Any, **more: Any) -> Plan:
    return make_plan(load_pipeline({"Version": "2020-12-01", **more, "Steps": list(steps)}))


def edges(plan: Plan) -> set[tuple[str, str, str]]:
    return {
        (edge.task_id, task.task_id, edge.kind)
        for task in plan.tasks
        for edge in task.upstream
        if task.task_id != VERDICT_TASK_ID
    }


def verdict_of(plan: Plan) -> set[str]:
    return {edge.task_id for edge in plan.by_id[VERDICT_TASK_ID].upstream}


def test_explicit_data_and_branch_edges() -> None:
    plan = plan_of(
        train("B", uses="Steps.A.ModelArtifacts.S3ModelArtifacts"),
        train("A"),
        condition("C", [train("D", "B")], [train("E", uses="Steps.A.RoleArn")], "A"),
    )
    assert edges(plan) == {
        ("A", "B", "data"),
        ("A", "C", "explicit"),
        ("C", "D", "branch"),
        ("B", "D", "explicit"),
        ("C", "E", "branch"),
        ("A", "E", "data"),
    }
    assert [task.task_id for task in plan.tasks][:2] == ["A", "B"]
    assert plan.by_id["A"].spec["Outputs"] == ["ModelArtifacts.S3ModelArtifacts", "RoleArn"]
    assert plan.by_id["C"].spec["Branches"] == {"If": ["D"], "Else": ["E"]}


def test_a_property_file_is_an_edge_and_names_its_output() -> None:
    plan = make_plan(load_pipeline(DAILY))
    assert plan.by_id["EvaluateModel"].spec["Outputs"] == ["ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"]
    assert plan.by_id["IsBetter"].spec["Files"] == {
        "EvaluateModel": {"Report": {"FilePath": "evaluation.json", "OutputName": "report"}}
    }
    assert plan.by_id["IsBetter"].reads == ("EvaluateModel", "ProductionMetric")


def test_a_step_gets_only_the_parameters_it_references() -> None:
    plan = plan_of(
        train("A", uses="Parameters.P"),
        train("B"),
        Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": 2}, {"Name": "Q", "Type": "String"}],
    )
    assert plan.by_id["A"].spec["Parameters"] == {"P": {"Type": "Integer", "DefaultValue": 2}}
    assert "Parameters" not in plan.by_id["B"].spec


def test_everything_behind_a_branch_not_taken_does_not_run() -> None:
    plan = plan_of(
        train("A"),
        condition("C", [train("Then"), condition("Inner", [train("Deep")], [])], [train("Else")], "A"),
        train("Join", "Then", "Else"),
        train("After", "Join"),
        train("Free", "C"),
    )
    assert not_taken(plan, {"C": True}) == {"Else", "Join", "After"}
    assert not_taken(plan, {"C": True, "Inner": False}) == {"Else", "Join", "After", "Deep"}
    assert not_taken(plan, {"C": False}) == {"Then", "Inner", "Deep", "Join", "After"}


def test_the_verdict_stands_behind_every_step_as_any_task_between_may_end_early() -> None:
    plan = plan_of(train("A"), train("B"), train("C", "A", "B"), condition("D", [train("E", "C")], []))
    assert verdict_of(plan) == {"A", "B", "C", "D", "E"}


def test_the_same_document_gives_the_same_plan_in_every_process() -> None:
    code = (
        "import sys; from airflow_sagemaker_mlops.document import load_pipeline;"
        "from airflow_sagemaker_mlops.plan import make_plan; print(make_plan(load_pipeline(sys.argv[1])).to_json())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, str(DAILY)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1
    assert json.loads(texts.pop())["tasks"]


def test_document_and_plan_import_neither_airflow_nor_an_aws_sdk() -> None:
    code = (
        "import sys; import airflow_sagemaker_mlops.plan, airflow_sagemaker_mlops.plan.show,"
        "airflow_sagemaker_mlops.plan.describe, airflow_sagemaker_mlops.document.positions; print(*sys.modules)"
    )
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not {"airflow", "boto3", "botocore", "sagemaker", "yaml"} & loaded


def test_pictures_name_every_step_and_label_branches() -> None:
    plan = make_plan(load_pipeline(DAILY))
    assert "Else: KeepProduction  [Lambda]" in tree(plan)
    drawn = mermaid(plan)
    assert drawn.startswith("flowchart TD")
    assert "|If|" in drawn
    assert "|Else|" in drawn
    assert all(f'"{task.task_id}' in drawn for task in plan.tasks[:-1])


@pytest.mark.parametrize("count", [1, 2000])
def test_long_chains_are_planned(count: int) -> None:
    steps = [train("S0")] + [train(f"S{i}", f"S{i - 1}") for i in range(1, count)]
    assert verdict_of(plan_of(*reversed(steps))) == {f"S{i}" for i in range(count)}


def test_a_tree_says_what_a_step_waits_for_and_hides_its_gate() -> None:
    handler = {**train("B"), "DependsOn": ["C", {"Step": "A", "Trigger": "Failed"}]}
    loop = {"IterableItems": [1], "MaxConcurrency": 1, "ForEachBody": [train("Each")]}
    plan = plan_of(train("A"), train("C"), handler, {"Name": "L", "Type": "ForEach", "Arguments": loop})
    lines = tree(plan).splitlines()
    assert lines[0].endswith("(4 steps)")
    assert "├─ B  [Training]  after C, A (on Failed)" in lines
    assert "└─ L  [ForEach]  runs Each [Training] for each item" in lines
    assert 'B.when<br/><small>Gate</small>"}}' in mermaid(plan)
