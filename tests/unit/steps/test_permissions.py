"""The permissions that step types need."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from iam_reference import ACTIONS, RESOURCES

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.model import Step
from airflow_sagemaker_mlops.definition.problems import PipelineError
from airflow_sagemaker_mlops.execution.identity import StepIdentity, resource_name
from airflow_sagemaker_mlops.steps.arns import Place, named
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from airflow_sagemaker_mlops.steps.model import StepType
from airflow_sagemaker_mlops.steps.permissions import policy

DAILY = Path(__file__).parents[3] / "dags" / "daily_model" / "definition.yaml"
STEP = {"HadoopJarStep": {"Jar": "command-runner.jar"}}
RUNNER = "arn:aws:iam::123456789012:role/Runner"
SERVERLESS = {"JobConfig": {"jobDriver": {"sparkSubmit": {"entryPoint": "s3://b/e.py"}}}, "ExecutionRoleArn": RUNNER}


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


@pytest.mark.parametrize(
    "entry", [entry for entry in STEP_TYPES.values() if entry.create], ids=lambda entry: entry.name
)
def test_every_operation_of_an_entry_is_granted(entry: StepType) -> None:
    """So that no entry forgets its IAM actions; ``test_permissions_at_work`` compares with the calls of a run."""
    named = {entry.target.key: "f" if entry.name == "Lambda" else QUEUE_URL} if entry.target else {}
    arguments = {"Associations": [{}]} if entry.name == "Lineage" else {}
    step = Step("A", entry.name, arguments, settings=named)
    granted = {action.partition(":")[2] for action, _ in entry.grants(step, entry, Place())}
    called = {entry.create, entry.describe, entry.update, entry.stop, entry.listing, entry.extra} - {""}
    assert {"InvokeFunction" if operation == "Invoke" else operation for operation in called} <= granted


QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:f"
ELSEWHERE = "arn:aws:lambda:us-east-1:210987654321:function:f"


@pytest.mark.parametrize(
    ("given", "arn"),
    [
        ("f", FUNCTION),
        ("function:f", FUNCTION),
        ("f:prod", f"{FUNCTION}:prod"),
        ("210987654321:function:f", "arn:aws:lambda:eu-west-1:210987654321:function:f"),
        ("us-east-1:210987654321:function:f:3", f"{ELSEWHERE}:3"),
        (f"{ELSEWHERE}:$LATEST", f"{ELSEWHERE}:$LATEST"),
        ("", None),
        ("no function", None),
        ({"Get": "Parameters.F"}, "*"),
    ],
)
def test_a_function_is_named_in_every_form_that_lambda_takes(given: Any, arn: str | None) -> None:
    step = {"Name": "L", "Type": "Lambda", "FunctionArn": given}
    found = statements(step, Parameters=[{"Name": "F", "Type": "String"}])
    assert found == ({} if arn is None else {arn: {"lambda:InvokeFunction"}})


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


def passed(*steps: Any, region: str = "eu-west-1") -> dict[str, list[str]]:
    made = policy(load_pipeline({"Steps": list(steps)}), "123456789012", region)
    rows = [row for row in made["Statement"] if row["Action"] == "iam:PassRole"]
    return {row["Condition"]["StringEquals"]["iam:PassedToService"]: row["Resource"] for row in rows}


def test_roles_are_passed_to_the_services_that_the_definition_uses_and_to_no_other() -> None:
    role = "arn:aws:iam::123456789012:role/R"
    instances = {"InstanceCount": 1, "MasterInstanceType": "m5.xlarge"}
    cluster = {"Instances": instances, "JobFlowRole": "Profile", "ServiceRole": "Service"}
    own = {"Name": "E", "Type": "EMR", "Arguments": {"ClusterConfig": cluster, "StepConfig": STEP}}
    given = {"Name": "G", "Type": "EMR", "Arguments": {"ClusterId": "j-1", "StepConfig": STEP}}
    assert passed({"Name": "T", "Type": "Training", "Arguments": {"RoleArn": role}}) == {
        "sagemaker.amazonaws.com": [role]
    }
    assert passed(given) == {}
    named_roles = ["arn:aws:iam::123456789012:role/*/Service", "arn:aws:iam::123456789012:role/Service"]
    assert passed(own) == {"ec2.amazonaws.com": ["*"], "elasticmapreduce.amazonaws.com": named_roles}
    assert list(passed(own, region="cn-north-1")) == ["ec2.amazonaws.com.cn", "elasticmapreduce.amazonaws.com.cn"]
    mapping = {"Name": "P", "Type": "Processing", "Arguments": {"Environment": {"RoleArn": role}}}
    assert passed(mapping, {"Name": "L", "Type": "Lambda", "FunctionArn": "f", "Arguments": {"RoleArn": role}}) == {}


def test_a_check_looks_into_its_group_and_copies_its_configuration_to_where_it_lies() -> None:
    config = {"InputName": "analysis_config", "S3Input": {"S3Uri": "s3://b/c/analysis_config.json"}}
    step = {"Name": "C", "Type": "ClarifyCheck", "CheckType": "MODEL_BIAS", "ModelName": "m"}
    found = statements({**step, "ModelPackageGroupName": "G", "Arguments": {"ProcessingInputs": [config]}})
    place = "arn:aws:sagemaker:eu-west-1:123456789012"
    assert (
        found[f"{place}:model-package/G/*"] == found[f"{place}:model-package/g/*"] == {"sagemaker:DescribeModelPackage"}
    )
    assert found["arn:aws:s3:::b/c/*/analysis_config.json"] == {"s3:PutObject"}
    assert "sagemaker:ListModelPackages" in found["*"]


def test_a_group_of_another_account_is_not_made() -> None:
    group = "arn:aws:sagemaker:eu-west-1:210987654321:model-package-group/g"
    found = statements(
        {"Name": "R", "Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": group, "Tags": []}}
    )
    versions = "arn:aws:sagemaker:eu-west-1:210987654321:model-package/g/*"
    assert found == {
        group: {"sagemaker:CreateModelPackage"},
        versions: {"sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"},
    }


def test_only_a_cluster_and_an_application_of_its_own_are_made_and_ended() -> None:
    cluster = statements({"Name": "E", "Type": "EMR", "Arguments": {"ClusterId": "j-1", "StepConfig": STEP}})
    assert list(cluster) == ["arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/j-1"]
    application = statements({"Name": "S", "Type": "EMRServerless", "Arguments": {"ApplicationId": "a", **SERVERLESS}})
    place = "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/a"
    assert application == {
        place: {"emr-serverless:StartJobRun"},
        f"{place}/jobruns/*": {"emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"},
        RUNNER: {"iam:PassRole"},
    }


@pytest.mark.parametrize("limit", [32, 63])
@pytest.mark.parametrize("given", ["", "My_job", "a" * 60, "-", "Ends-at-a-dash-of-its-own-with-38-xxx-y"])
def test_names_of_jobs_begin_as_the_policy_says(given: str, limit: int) -> None:
    identity = StepIdentity("p", "Step", "d", "r", "Step")
    name = resource_name(identity, 0, prefix=given, limit=limit)
    patterns = list(named("training-job", given, limit, verbatim=False))
    assert any(fnmatchcase(f"training-job/{name}", pattern) for pattern in patterns)
    assert any(fnmatchcase(f"training-job/{name.lower()}", pattern) for pattern in patterns)


BODY = {"Name": "B", "Type": "Lambda", "FunctionArn": "f", "Arguments": {}}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "Lambda": {"FunctionArn": "f"},
    "Callback": {"SqsQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q"},
    "QualityCheck": {"CheckType": "DATA_QUALITY", "ModelPackageGroupName": "g"},
    "ClarifyCheck": {"CheckType": "MODEL_BIAS", "ModelPackageGroupName": "g"},
    "ForEach": {"Arguments": {"IterableItems": [1], "MaxConcurrency": 1, "ForEachBody": [BODY]}},
    "RegisterModel": {"Arguments": {"ModelPackageGroupName": "g", "Tags": [{"Key": "a", "Value": "b"}]}},
    "EMR": {"Arguments": {"ClusterConfig": {"Tags": [{"Key": "a", "Value": "b"}]}, "StepConfig": STEP}},
    "EMRServerless": {"Arguments": {"ApplicationConfig": {}, **SERVERLESS}},
    "Endpoint": {
        "Arguments": {
            "EndpointName": "E",
            "EndpointConfigName": "c",
            "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}},
        }
    },
    "Condition": {"Arguments": {"Conditions": [], "IfSteps": [], "ElseSteps": []}},
    "Lineage": {"Arguments": {"Actions": [{}], "Artifacts": [{}], "Contexts": [{}], "Associations": []}},
    "Fail": {"Arguments": {"ErrorMessage": "x"}},
    "x-champion-gate": {
        "Arguments": None,
        "Champion": {"ModelPackageGroup": "g"},
        "Predictions": {"Step": "Before", "Output": "predictions"},
        "Rules": [{"Metric": "auc", "Must": "improve"}],
    },
    "x-drift-check": {
        "Arguments": None,
        "Data": {"Step": "Before", "Output": "predictions"},
        "Baseline": "s3://bucket/profile.json",
    },
    "x-smoke-test": {"Arguments": {"EndpointName": "E", "Records": "s3://bucket/records.csv"}},
    "x-champion": {"Arguments": {"ModelPackageGroupName": "g", "HistoryS3Uri": "s3://bucket/history"}},
    "x-approval": {"Arguments": {"ModelPackageArn": {"Get": "Execution.PipelineName"}}},
    "x-promote-champion": {
        "Arguments": {
            "ModelPackageGroupName": "g",
            "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1",
            "Baseline": {"Get": "Execution.PipelineName"},
            "HistoryS3Uri": "s3://bucket/history",
        }
    },
}
# A step that others read from.
BEFORE = {
    "Name": "Before",
    "Type": "Processing",
    "Arguments": {
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "AppSpecification": {"ImageUri": "i"},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "predictions", "S3Output": {"S3Uri": "s3://b/p"}}]},
    },
}


@pytest.mark.parametrize("step_type", sorted(STEP_TYPES))
def test_actions_exist_and_stand_with_resources_of_their_own_types(step_type: str) -> None:
    step = {"Name": "S", "Type": step_type, "Arguments": {}, **DOCUMENTS.get(step_type, {})}
    stop = STEP_TYPES[step_type].stop
    found = statements(BEFORE, step)
    for arn, actions in found.items():
        for action in actions:
            types = [RESOURCES[f"{action.partition(':')[0]} {kind}"] for kind in ACTIONS[action]]
            # Log groups are given with ":*", which are all their streams.
            assert arn == "*" or any(of_type(arn, form) for form in types) or "log-group" in arn, (action, arn)
    assert not stop or any(action.endswith(f":{stop}") for actions in found.values() for action in actions)


def of_type(arn: str, form: str) -> bool:
    """Whether ``arn`` names resources of the type with this form of ARNs, or one of them."""
    fixed = [re.escape(part) for part in re.split(r"\$\{\w+\}", form)]
    return re.fullmatch(".+".join(fixed), arn) is not None


def test_the_partition_is_that_of_the_region() -> None:
    assert Place("*", "cn-north-1").arn("sqs", "q") == "arn:aws-cn:sqs:cn-north-1:*:q"
    assert Place("*", "us-gov-west-1").partition == "aws-us-gov"


ARN = re.compile(r"arn:aws(-[a-z-]+)?:[a-z0-9-]+:[a-z0-9*-]*:(\d+|\*|):\S+")


def test_real_definitions_have_policies_with_whole_arns(corpus: Path) -> None:
    seen = 0
    for file in sorted(corpus.glob("*.json")):
        try:
            pipeline = load_pipeline(file)
        except PipelineError:
            continue
        for row in policy(pipeline)["Statement"]:
            resources = row["Resource"] if isinstance(row["Resource"], list) else [row["Resource"]]
            assert all(arn == "*" or ARN.fullmatch(arn) for arn in resources), (file.name, resources)
            seen += 1
    assert seen > 500
