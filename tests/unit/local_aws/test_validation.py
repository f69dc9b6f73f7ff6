"""Requests to moto are validated against botocore's model first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_sagemaker_mlops.local_aws.errors import AwsError
from airflow_sagemaker_mlops.local_aws.validation import validate_passed_on


def asked(target: str, **request: Any) -> None:
    validate_passed_on(target, json.dumps(request).encode())


@pytest.mark.parametrize("name", ["experiment_name", "x y", "a" * 121, ""])
def test_an_experiment_of_a_name_that_aws_refuses_is_refused(name: str) -> None:
    with pytest.raises(AwsError) as refused:
        asked("SageMaker.CreateExperiment", ExperimentName=name)
    assert refused.value.code == "ValidationException"
    assert "experimentName" in refused.value.message


@pytest.mark.parametrize(
    ("target", "request_", "code"),
    [
        ("Logs_20140328.CreateLogGroup", {"logGroupName": "a b"}, "InvalidParameterException"),
        ("AWSGlue.CreateDatabase", {"DatabaseInput": {}}, "InvalidInputException"),
        ("AmazonAthena.CreateWorkGroup", {"Name": "a/b"}, "InvalidRequestException"),
        ("secretsmanager.CreateSecret", {"Name": ["a"]}, "ValidationException"),
        ("DynamoDB_20120810.ListTables", {"Limit": "ten"}, "ValidationException"),
    ],
)
def test_each_service_refuses_under_its_own_name(target: str, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(AwsError) as refused:
        asked(target, **request_)
    assert refused.value.code == code


@pytest.mark.parametrize("target", ["", "Unknown.CreateThing", "SageMaker.CreateNothing"])
def test_requests_without_a_model_are_left_to_moto(target: str) -> None:
    asked(target, Name="anything at all")


def test_valid_requests_pass() -> None:
    asked("SageMaker.CreateExperiment", ExperimentName="churn-training", Description="Pipeline churn_training")
    asked("AmazonSQS.CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "5"})
