"""Airflow's names in members of AWS requests (patterns and lengths: the SageMaker API reference)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition.expressions import parse_value
from airflow_sagemaker_mlops.execution.aws_names import aws_name, with_aws_names
from airflow_sagemaker_mlops.execution.scope import Scope, experiment_of, name_in, naming_of, resolve
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

NAME = {"Get": "Execution.PipelineName"}
EXPERIMENT = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}"
ENDPOINT = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
DAG_IDS = [
    "churn_training",
    "churn.training",
    "team__churn..v2",
    "données_été",
    "データ",
    "a" * 200,
    "a_" * 60,
    "_",
    "-x-",
]


def scope(name: str, experiment: Any = None) -> Scope:
    execution = {"PipelineName": name, "PipelineExecutionId": "abcdefghijkl"}
    return Scope("S", {"Mine": "my_own"}, execution, {}, {}, lambda _uri: b"", experiment=experiment or {})


def sent(kind: str, arguments: Any, name: str) -> tuple[Any, list[str]]:
    told: list[str] = []
    parsed, values = parse_value(arguments), scope(name)
    return with_aws_names(parsed, resolve(parsed, values), naming_of(values), STEP_TYPES[kind], told.append), told


@pytest.mark.parametrize("name", DAG_IDS)
def test_any_dag_id_becomes_a_name_of_an_experiment_and_of_an_endpoint(name: str) -> None:
    for block in ({}, {"ExperimentName": NAME, "TrialName": {"Get": "Execution.PipelineExecutionId"}}):
        assert re.fullmatch(EXPERIMENT, experiment_of(scope(name, block))["ExperimentName"])
    assert re.fullmatch(ENDPOINT, name_in(parse_value(NAME), scope(name), "EndpointName"))


@pytest.mark.parametrize("name", [*DAG_IDS, "team_" * 12])
def test_any_dag_id_becomes_one_name_of_a_model_group_where_models_are_registered_and_where_checks_look(
    name: str,
) -> None:
    group = sent("RegisterModel", {"ModelPackageGroupName": NAME}, name)[0]["ModelPackageGroupName"]
    assert re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9-]){0,62}(?<!-)", group)
    assert group == name_in(parse_value(NAME), scope(name), "ModelPackageGroupName")


@pytest.mark.parametrize("name", ["churn-training", "a--b", "Churn1", "a" * 63])
def test_a_name_that_aws_takes_stays_as_it_is(name: str) -> None:
    assert aws_name(name, 63) == name


def test_names_that_would_be_the_same_stay_apart_and_are_always_the_same() -> None:
    alike = ["churn-training", "churn_training", "churn.training", "churn--training", "churn_-training"]
    assert len({aws_name(name, 63) for name in alike}) == len(alike)
    assert aws_name("churn_training", 63) == aws_name("churn_training", 120) == "churn-training-ayaagi"


def test_only_slots_that_take_no_such_name_get_another_and_the_log_says_both() -> None:
    arguments = {
        "OutputDataConfig": {"S3OutputPath": {"Std:Join": {"On": "/", "Values": ["s3://b", NAME]}}},
        "HyperParameters": {"pipeline": NAME},
        "ExperimentConfig": {"TrialComponentDisplayName": {"Std:Join": {"On": "-", "Values": [NAME, "train"]}}},
        "Tags": [{"Key": "pipeline", "Value": NAME}],
    }
    request, told = sent("Training", arguments, "churn_training")
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://b/churn_training"}
    assert request["HyperParameters"] == {"pipeline": "churn_training"}
    assert request["Tags"][0]["Value"] == "churn_training"
    assert request["ExperimentConfig"]["TrialComponentDisplayName"] == "churn-training-ayaagi-train"
    assert len(told) == 1
    assert "churn_training-train" in told[0]
    assert "churn-training-ayaagi-train" in told[0]


def test_a_name_is_cut_for_what_stands_around_it() -> None:
    named = {"EndpointConfigName": {"Std:Join": {"On": "-", "Values": ["config", "of", NAME, "blue"]}}}
    made = sent("Endpoint", named, "a_long_name_" * 8)[0]["EndpointConfigName"]
    assert re.fullmatch(ENDPOINT, made)
    assert made.startswith("config-of-a-long-name-")
    assert made.endswith("-blue")


def test_what_a_user_wrote_is_sent_as_it_stands() -> None:
    written = {"ModelPackageGroupName": "my_group", "ModelApprovalStatus": {"Get": "Parameters.Mine"}}
    assert sent("RegisterModel", written, "churn_training") == (
        {"ModelPackageGroupName": "my_group", "ModelApprovalStatus": "my_own"},
        [],
    )
    beside = {"ModelPackageGroupName": {"Std:Join": {"On": "_", "Values": [NAME, "group"]}}}
    assert sent("RegisterModel", beside, "churn-training")[0] == {"ModelPackageGroupName": "churn-training_group"}
    assert experiment_of(scope("a_b", {"ExperimentName": "mine_b"}))["ExperimentName"] == "mine_b"
