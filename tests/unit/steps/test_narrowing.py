"""Policies that ``iam`` narrows with values, what it reports about the rest, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.problems import InvalidPipeline
from airflow_sagemaker_mlops.steps.permissions import policy
from airflow_sagemaker_mlops.steps.policy_values import open_ends, with_values

ACCOUNT, REGION = "123456789012", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Train"


def get(name: str) -> dict[str, str]:
    return {"Get": name}


def join(*values: Any) -> dict[str, Any]:
    return {"Std:Join": {"On": "/", "Values": list(values)}}


BY_PARAMETER = join("s3:/", get("Parameters.Bucket"), "o")


def made(*steps: Any, **values: Any) -> tuple[dict[str, Any], list[str]]:
    """{action: its resources} of the policy, and the sentences on what it leaves open."""
    parameters = [{"Name": name, "Type": "String"} for name in ("Role", "Bucket", "Function", "Group")]
    pipeline = with_values(load_pipeline({"Parameters": parameters, "Steps": list(steps)}), values)
    found: dict[str, Any] = {}
    for row in policy(pipeline, ACCOUNT, REGION)["Statement"]:
        actions, resources = row["Action"], row["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            found.setdefault(action, []).extend(resources if isinstance(resources, list) else [resources])
    return found, list(open_ends(pipeline, ACCOUNT, REGION))


def evaluated(uri: Any, path: str = "r.json") -> list[dict[str, Any]]:
    output = {"OutputName": "o", "S3Output": {"S3Uri": uri, "LocalPath": "/o", "S3UploadMode": "EndOfJob"}}
    job = {"RoleArn": ROLE, "ProcessingOutputConfig": {"Outputs": [output]}}
    files = [{"PropertyFileName": "R", "OutputName": "o", "FilePath": path}]
    read = {"Std:JsonGet": {"PropertyFile": get("Steps.Eval.PropertyFiles.R"), "Path": "a"}}
    evaluation = {"Name": "Eval", "Type": "Processing", "PropertyFiles": files, "Arguments": job}
    return [evaluation, {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": read}}]


def test_a_role_of_a_parameter_is_any_role_and_said_to_be_until_it_has_a_value() -> None:
    step = {"Name": "T", "Type": "Training", "Arguments": {"RoleArn": get("Parameters.Role")}}
    found, said = made(step)
    assert found["iam:PassRole"] == ["*"]
    assert said == [
        "$.Steps[0].Arguments.RoleArn: any role may be passed, because it is known only at run time. Add -p Role=...."
    ]
    found, said = made(step, Role=ROLE)
    assert (found["iam:PassRole"], said) == ([ROLE], [])


@pytest.mark.parametrize(
    ("uri", "values", "resources"),
    [
        ("s3://b/o", {}, ["arn:aws:s3:::b/o/r.json", "arn:aws:s3:::b"]),
        (join("s3://b/o", get("Execution.PipelineExecutionId")), {}, ["arn:aws:s3:::b/o/*", "arn:aws:s3:::b"]),
        (join("s3:/", get("Parameters.Bucket"), "o"), {}, ["*"]),
        (
            join("s3:/", get("Parameters.Bucket"), "o"),
            {"Bucket": "mine"},
            ["arn:aws:s3:::mine/o/r.json", "arn:aws:s3:::mine"],
        ),
        ("s3://b/what?", {}, ["arn:aws:s3:::b/what${?}/r.json", "arn:aws:s3:::b"]),
    ],
)
def test_reports_are_read_where_they_lie(uri: Any, values: dict[str, Any], resources: list[str]) -> None:
    found, said = made(*evaluated(uri), **values)
    assert found["s3:GetObject"] == resources
    assert bool(said) is (resources == ["*"])
    assert all("-p Bucket=..." in sentence for sentence in said)


def test_targets_that_cannot_be_ones_are_said() -> None:
    steps = [
        {"Name": "L", "Type": "Lambda", "FunctionArn": "arn:aws:sagemaker:us-east-1:1:function/f"},
        {"Name": "Q", "Type": "Callback", "SqsQueueUrl": "my-queue"},
        {"Name": "P", "Type": "Lambda", "FunctionArn": get("Parameters.Function")},
    ]
    found, said = made(*steps)
    assert found == {"lambda:InvokeFunction": ["*"]}
    assert [sentence.partition(": ")[0] for sentence in said] == [
        "$.Steps[0].FunctionArn",
        "$.Steps[1].SqsQueueUrl",
        "$.Steps[2].FunctionArn",
    ]
    assert made(steps[2], Function="f")[1] == []


@pytest.mark.parametrize(
    "step",
    [
        {"Type": "Training", "Arguments": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
        {"Type": "Model", "Arguments": {"ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/T?ain"}},
        {"Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": "*"}},
        {"Type": "Endpoint", "Arguments": {"EndpointName": "prod-*"}},
        {"Type": "EMR", "Arguments": {"ClusterId": "*", "StepConfig": {"HadoopJarStep": {"Jar": "j"}}}},
        {"Type": "Training", "Arguments": {"RoleArn": get("Parameters.Role")}},
    ],
)
def test_wildcards_are_refused_also_as_values(step: dict[str, Any]) -> None:
    with pytest.raises(InvalidPipeline, match="has a wildcard"):
        made({"Name": "S", **step}, Role=f"arn:aws:iam::{ACCOUNT}:role/*")


def test_any_account_and_region_are_said() -> None:
    pipeline = load_pipeline({"Steps": [{"Name": "L", "Type": "Lambda", "FunctionArn": "f"}]})
    assert list(open_ends(pipeline, "*", "*")) == ["ARNs allow any account and region: add --account and --region."]
    assert list(open_ends(pipeline, ACCOUNT, "*")) == ["ARNs allow any region: add --region."]


def test_an_experiment_that_the_document_names_is_the_only_one() -> None:
    named = {"ExperimentName": "Churn", "TrialName": get("Execution.PipelineExecutionId")}
    step = {"Name": "T", "Type": "Training", "Arguments": {"RoleArn": ROLE}}
    made_ = policy(load_pipeline({"PipelineExperimentConfig": named, "Steps": [step]}), ACCOUNT, REGION)
    (row,) = [row for row in made_["Statement"] if row["Sid"] == "Experiments"]
    assert [arn.rpartition(":")[2] for arn in row["Resource"]] == [
        "experiment/churn",
        "experiment/Churn",
        "experiment-trial/*",
    ]
