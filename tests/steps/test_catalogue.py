"""The step table against botocore's model of the API."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from airflow_sagemaker_mlops.document import load_pipeline
from airflow_sagemaker_mlops.document.step_types import SUPPORTED, WAITING
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from airflow_sagemaker_mlops.steps.check import request_problems
from airflow_sagemaker_mlops.steps.model import StepType
from airflow_sagemaker_mlops.steps.shapes import fit_request

SAGEMAKER = [entry for entry in STEP_TYPES.values() if entry.service == "sagemaker" and entry.create]


def model() -> Any:
    return botocore.session.Session().get_service_model("sagemaker")


def test_the_table_has_exactly_the_supported_types() -> None:
    assert set(STEP_TYPES) == SUPPORTED
    assert {entry.name for entry in STEP_TYPES.values() if entry.waits} == WAITING


@pytest.mark.parametrize("entry", SAGEMAKER, ids=lambda entry: entry.name)
def test_operations_and_members_exist_in_the_api(entry: StepType) -> None:
    api = model()
    created = api.operation_model(entry.create).input_shape
    described = api.operation_model(entry.describe)
    assert entry.name_key in created.members
    assert entry.name_key in described.input_shape.members
    assert entry.arn_key in described.output_shape.members
    assert ("Tags" in created.members) >= entry.tagged
    if entry.status_key:
        known = set(described.output_shape.members[entry.status_key].enum)
        assert entry.terminal <= known
    if entry.listing:
        summaries = api.operation_model(entry.listing).output_shape.members[entry.summaries_key].member.members
        assert {entry.name_key, entry.status_key, "LastModifiedTime"} <= set(summaries)
    if entry.stop:
        assert entry.name_key in api.operation_model(entry.stop).input_shape.members


def test_leaves_are_made_to_fit_their_slots() -> None:
    request = {
        "ProcessingJobName": "p",
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": "2", "VolumeSizeInGB": 30.0, "InstanceType": "t"}},
        "Environment": {"A": True, "B": 3},
        "Nonsense": 1,
        "StoppingCondition": None,
    }
    fitted, unknown = fit_request("sagemaker", "CreateProcessingJob", request)
    assert fitted["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    assert fitted["Environment"] == {"A": "true", "B": "3"}
    assert unknown == ["Nonsense"]
    assert "StoppingCondition" not in fitted


def test_a_leaf_that_cannot_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r'InstanceCount: "many" is not a integer'):
        fit_request(
            "sagemaker", "CreateProcessingJob", {"ProcessingResources": {"ClusterConfig": {"InstanceCount": "many"}}}
        )


def test_check_finds_wrong_types_and_unknown_members_with_their_place() -> None:
    step = {
        "Name": "A",
        "Type": "Training",
        "Arguments": {
            "RoleArn": "arn:aws:iam::123456789012:role/R",
            "OutputDataConfig": {"S3OutputPath": "s3://b/x"},
            "StoppingCondition": {"MaxRuntimeInSeconds": "soon"},
            "InputDataConfig": {"Get": "Parameters.P"},
            "HyperParameter": {},
        },
    }
    document = {"Version": "2020-12-01", "Parameters": [{"Name": "P", "Type": "String"}], "Steps": [step]}
    found = {problem.where.partition("Arguments.")[2]: problem for problem in request_problems(load_pipeline(document))}
    assert found["StoppingCondition.MaxRuntimeInSeconds"].severity == "error"
    assert "whole list" in found["InputDataConfig"].what
    assert found["HyperParameter"].severity == "warning"
    assert found["HyperParameter"].fix == 'Did you mean "HyperParameters"?'
