from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
import pytest

from airflow_sagemaker_mlops.document import load_pipeline
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from airflow_sagemaker_mlops.steps.permissions import FURTHER, policy

DAILY = Path(__file__).parents[2] / "dags" / "daily_model" / "definition.yaml"


def statements(*steps: Any, **more: Any) -> dict[str, set[str]]:
    made = policy(load_pipeline({"Steps": list(steps), **more}), "123456789012", "eu-west-1")
    found: dict[str, set[str]] = {}
    for row in made["Statement"]:
        resources = row["Resource"] if isinstance(row["Resource"], list) else [row["Resource"]]
        actions = row["Action"] if isinstance(row["Action"], list) else [row["Action"]]
        for resource in resources:
            found.setdefault(resource, set()).update(actions)
    return found


def test_a_training_step_needs_its_own_jobs_its_log_and_its_role() -> None:
    role = "arn:aws:iam::123456789012:role/Train"
    found = statements({"Name": "T", "Type": "Training", "Arguments": {"RoleArn": role}})
    assert found == {
        "arn:aws:sagemaker:eu-west-1:123456789012:training-job/pipelines-*": {
            "sagemaker:AddTags",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:ListTags",
            "sagemaker:StopTrainingJob",
        },
        "*": {"sagemaker:ListTrainingJobs"},
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/TrainingJobs:*": {
            "logs:DescribeLogStreams",
            "logs:GetLogEvents",
        },
        role: {"iam:PassRole"},
    }


def test_functions_and_queues_are_named_where_the_document_names_them() -> None:
    function = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    ask = {"Name": "C", "Type": "Callback", "SqsQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/questions"}
    found = statements({"Name": "L", "Type": "Lambda", "FunctionArn": function}, ask)
    assert found[function] == {"lambda:InvokeFunction"}
    assert found["arn:aws:sqs:eu-west-1:123456789012:questions"] == {"sqs:SendMessage"}


def test_a_role_that_is_known_only_at_run_time_is_any_role() -> None:
    role = [{"Name": "R", "Type": "String", "DefaultValue": "x"}]
    step = {"Name": "T", "Type": "Processing", "Arguments": {"RoleArn": {"Get": "Parameters.R"}}}
    assert "iam:PassRole" in statements(step, Parameters=role)["*"]


def test_the_examples_policy_reads_its_report_and_names_no_action_twice() -> None:
    made = policy(load_pipeline(DAILY))
    assert any(row["Sid"] == "ReadReports" for row in made["Statement"])
    assert len({row["Sid"] for row in made["Statement"]}) == len(made["Statement"])


@pytest.mark.parametrize("step_type", sorted(FURTHER))
def test_further_actions_are_operations_of_the_api(step_type: str) -> None:
    model = botocore.session.Session().get_service_model(STEP_TYPES[step_type].service)
    assert set(FURTHER[step_type]) <= set(model.operation_names)
