"""``ChampionGateOperator``: its request, and what it refuses when the DAG file is parsed."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_sagemaker_mlops import operators
from airflow_sagemaker_mlops.operators import ChampionGateOperator

JOB = {"ImageUri": "image", "RoleArn": "arn:aws:iam::123456789012:role/R"}
RULES = [{"Metric": "auc", "Must": "improve"}]


def gate(**given: Any) -> ChampionGateOperator:
    arguments: dict[str, Any] = {"predictions": "s3://b/x/predictions", "rules": RULES, "job": JOB, **given}
    with DAG("gates", schedule=None):
        return ChampionGateOperator(task_id="is_better", **arguments)


def test_its_job_has_what_job_says_and_its_step_reads_the_registry() -> None:
    spec = gate(model_package_group="g", no_champion="promote", job={**JOB, "InstanceType": "ml.c5.large"}).step.spec
    assert spec.arguments["AppSpecification"] == {"ImageUri": "image"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.c5.large", "VolumeSizeInGB": 30}
    assert spec.arguments["ProcessingResources"] == {"ClusterConfig": cluster}
    assert spec.settings == {
        "Champion": {"ModelPackageGroup": "g", "GroupMayBeMissing": False},
        "Rules": RULES,
        "NoChampion": "promote",
    }
    assert spec.outputs == "all"


def test_values_that_a_run_gives_are_not_judged_when_the_file_is_parsed() -> None:
    rules = [{"Metric": "auc", "Must": "improve", "By": "{{ params.margin }}"}]
    assert gate(rules=rules).template_fields == ("arguments", "settings")
    read = gate(rules=[{**RULES[0], "By": {"Get": "Parameters.Margin"}}], predictions={"Get": "Steps.score.Uri"})
    assert (list(read.step.spec.parameters), dict(read.step.reads)) == (["Margin"], {"score": "score"})


def test_what_no_run_can_mend_is_refused_at_once_and_whole() -> None:
    with pytest.raises(ValueError, match=r"Metric.*InstancType.*job has no RoleArn\..*predictions="):
        gate(rules=[{"Metric": "auk", "Must": "improve"}], job={"ImageUri": "i", "InstancType": "m"}, predictions="")


def test_the_operator_of_the_step_type_is_there_too() -> None:
    assert operators.ChampionGateStepOperator.step_type == "x-champion-gate"
    assert operators.ChampionGateStepOperator.__name__ == "ChampionGateStepOperator"
