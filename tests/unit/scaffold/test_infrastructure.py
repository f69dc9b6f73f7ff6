"""The infrastructure that the template renders, as whoever attacks it or pays for it reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cloudformation import linted, resolved

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.scaffold import Existing, settle
from airflow_sagemaker_mlops.scaffold.projects import project_files
from airflow_sagemaker_mlops.scaffold.questions import Value
from airflow_sagemaker_mlops.scaffold.regions import NO_MODEL_PACKAGE_GROUP, build_region
from airflow_sagemaker_mlops.scaffold.registries import REGISTRIES

VALID = Path(__file__).parents[2] / "pipelines" / "valid"
HERE = {"account": "444444444444", "region": "eu-west-1"}


def infrastructure(name: str, answers: dict[str, Value], **parameters: str) -> dict[str, Any]:
    files = project_files(settle({"project": "churn", **answers}))
    template: dict[str, Any] = resolved(files[f"infra/{name}.yaml"], **HERE, **parameters)
    return template


def allowed(role: dict[str, Any]) -> dict[str, list[str]]:
    """{action: resources} that a role allows."""
    found: dict[str, list[str]] = {}
    for policy in role["Properties"].get("Policies", ()):
        for row in policy["PolicyDocument"]["Statement"]:
            for action in row["Action"]:
                found.setdefault(action, []).extend(row["Resource"])
    return found


@pytest.mark.parametrize(
    ("repository", "is_one"),
    [
        ("octocat@123456/my-repo@456789", True),  # as GitHub's documentation of immutable subject claims has it
        ("octo-org/octo.repo_1", True),  # before 15 July 2026
        ("octo-org/*", False),
        ("*/my-repo", False),
        ("octocat@123456/my-repo@456789:ref:refs/heads/main", False),
        ("", False),
    ],
)
def test_only_the_environment_of_one_repository_on_github_deploys_to_a_stage(repository: str, is_one: bool) -> None:
    template = infrastructure("project", {}, Stage="prod", Repository=repository)
    parameter = template["Parameters"]["Repository"]
    assert "Default" not in parameter  # somebody could own the repository of a default
    assert (re.fullmatch(parameter["AllowedPattern"], repository) is not None) == is_one
    [trust] = template["Resources"]["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:{repository}:environment:prod",
        }
    }


def test_a_pull_request_may_only_read_and_only_in_dev() -> None:
    template = infrastructure("project", {}, Stage="dev", Repository="octocat@123456/my-repo@456789")
    roles = {name: one for name, one in template["Resources"].items() if one["Type"] == "AWS::IAM::Role"}
    trusted = {
        name: row["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        for name, role in roles.items()
        for row in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if row["Action"] == "sts:AssumeRoleWithWebIdentity"
    }
    # GitHub's documentation of the subject: a pull_request event, unless the job names an environment
    repository = "repo:octocat@123456/my-repo@456789"
    assert trusted == {"DeployRole": f"{repository}:environment:dev", "PreviewRole": f"{repository}:pull_request"}
    preview = roles["PreviewRole"]
    assert template["Conditions"][preview["Condition"]] == {"Equals": ["dev", "dev"]}
    assert template["Outputs"]["PreviewRoleArn"]["Condition"] == preview["Condition"]
    assert not [action for action in allowed(preview) if not re.match(r"\w+:(Get|List|Describe|Simulate)\w+$", action)]
    for ci in ("codepipeline", "none"):
        assert "PreviewRole" not in infrastructure("project", {"ci": ci})["Resources"]


@pytest.mark.parametrize("region", REGISTRIES)
@pytest.mark.parametrize("ci", ["github", "codepipeline"])
def test_every_region_has_the_resources_that_are_created_there(region: str, ci: str) -> None:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    files = project_files(settle({"project": "churn", "ci": ci, "region": region, "regulated": "yes"}))
    for name, place in (("project", region), ("pipeline", build_region(region))):
        if ci == "github" and name == "pipeline":
            continue
        template = resolved(files[f"infra/{name}.yaml"], account="444444444444", region=place)
        known = PROVIDER_SCHEMA_MANAGER.get_resource_types(place)
        assert {one["Type"] for one in template["Resources"].values()} <= set(known)
        # what is elsewhere, or left out, really is missing
        known = PROVIDER_SCHEMA_MANAGER.get_resource_types(region)
        assert ("AWS::CodeBuild::Project" in known) == (build_region(region) == region)
        assert ("AWS::SageMaker::ModelPackageGroup" in known) == (region not in NO_MODEL_PACKAGE_GROUP)


def test_the_accounts_identity_provider_outlives_the_stack() -> None:
    provider = infrastructure("project", {})["Resources"]["GitHub"]
    assert (provider["DeletionPolicy"], provider["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("target", ["self-hosted", "mwaa", "astro"])
def test_a_build_can_deploy_to_its_own_stage_only(target: str) -> None:
    answers: dict[str, Value] = {"ci": "codepipeline", "target": target}
    tools = infrastructure("pipeline", answers)["Resources"]
    builds = {name: one["Properties"] for name, one in tools.items() if one["Type"] == "AWS::CodeBuild::Project"}
    assert set(builds) == {"TestBuild", "DevBuild", "StagingBuild", "ProdBuild"}
    for name, build in builds.items():
        role = name.replace("Build", "Role")
        stage = name.removesuffix("Build").lower()
        named = f"arn:aws:iam::444444444444:role/churn-{stage}-build"
        assert build["ServiceRole"] == ({"GetAtt": f"{role}.Arn"} if stage == "test" else named)
        rights = allowed(tools[role])
        assert "s3:PutObject" not in rights  # a build that could replace the source would decide what prod runs
        own = {one["Name"]: one["Value"] for one in build["Environment"].get("EnvironmentVariables", ())}
        if stage == "test":
            assert not own
            assert "sts:AssumeRole" not in rights
            continue
        assert own["STAGE"] == stage
        assert rights["sts:AssumeRole"] == [f"arn:aws:iam::*:role/churn-{stage}-deploy"]
        assert ("secretsmanager:GetSecretValue" in rights) == (target == "astro")
        deployed = infrastructure("project", answers, Stage=stage, ToolsAccount="444444444444")["Resources"][
            "DeployRole"
        ]
        assert deployed["Properties"]["RoleName"] == f"churn-{stage}-deploy"
        [trust] = deployed["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"AWS": "arn:aws:iam::444444444444:root"}
        builder = f"arn:aws:iam::444444444444:role/{tools[role]['Properties']['RoleName']}"
        assert trust["Condition"] == {"ArnEquals": {"aws:PrincipalArn": builder}}
    ran = [
        one["Configuration"]["ProjectName"]["Ref"]
        for stage in tools["Pipeline"]["Properties"]["Stages"]
        for one in stage["Actions"]
        if one["ActionTypeId"]["Provider"] == "CodeBuild"
    ]
    assert ran == ["TestBuild", "DevBuild", "StagingBuild", "ProdBuild"]
    started = allowed(tools["PipelineRole"])["codebuild:StartBuild"]
    assert started == [{"GetAtt": f"{name}.Arn"} for name in ran]


@pytest.mark.parametrize("ci", ["github", "codepipeline"])
@pytest.mark.parametrize(("target", "place"), [("self-hosted", ["dags/*"]), ("mwaa", ["mwaa/dags/*"]), ("astro", [])])
def test_whoever_deploys_cannot_delete_what_was_deployed(ci: str, target: str, place: list[str]) -> None:
    rights = allowed(infrastructure("project", {"ci": ci, "target": target}, Stage="dev")["Resources"]["DeployRole"])
    assert not [action for action in rights if "Delete" in action or "*" in action]
    assert rights["s3:PutObject"] == [f"arn:aws:s3:::churn-dev-444444444444/{one}" for one in ("releases/*", *place)]


@pytest.mark.parametrize(
    ("group", "own", "arns"),
    [
        ("churn", True, ["arn:aws:sagemaker:eu-west-1:444444444444:model-package-group/churn"]),
        (
            "arn:aws:sagemaker:eu-west-1:555555555555:model-package-group/Churn",
            False,
            ["arn:aws:sagemaker:eu-west-1:555555555555:model-package-group/Churn"],
        ),
    ],
)
def test_a_group_of_another_account_is_used_and_not_made(group: str, own: bool, arns: list[str]) -> None:
    existing = Existing((VALID / "train-evaluate-register.json").read_text(), ".json", group)
    answers = settle({"project": "churn", "source": "file", "definition": "train.json"})
    text = project_files(answers, existing)["infra/project.yaml"]
    resources = resolved(text, **HERE, Stage="dev")["Resources"]
    assert ("ModelPackageGroup" in resources) == own
    described = allowed(resources["DeployRole"])["sagemaker:DescribeModelPackageGroup"]
    versions = [arn.replace(":model-package-group/", ":model-package/") + "/*" for arn in arns]
    assert sorted(described) == sorted([*arns, *versions])
    name = arns[0].rpartition("/")[2]  # AWS: the event has the name of the group
    assert resources["DecisionsRule"]["Properties"]["EventPattern"]["detail"]["ModelPackageGroupName"] == [name]
    assert linted(text) == []


@pytest.mark.parametrize("regulated", [False, True])
def test_what_a_registered_version_refers_to_is_not_deleted_after_a_while(regulated: bool) -> None:
    files = project_files(settle({"project": "churn", "regulated": "yes" if regulated else "no"}))
    bucket = resolved(files["infra/project.yaml"], **HERE)["Resources"]["Bucket"]["Properties"]
    deleted = [one["Prefix"] for one in bucket.get("LifecycleConfiguration", {}).get("Rules", ())]
    assert deleted == ([] if regulated else ["churn/runs/"])
    for step in load_pipeline(files["dags/churn/train.yaml"].encode(), name="train.yaml").steps:
        if step.type in ("x-drift-check", "x-champion-gate"):  # the version keeps their reports and profiles
            assert str(step.settings["Job"]["S3Uri"]).find("/churn/checks") > 0
            assert "runs/" not in str(step.settings["Job"]["S3Uri"])


@pytest.mark.parametrize(
    ("stage", "days", "mode", "locked"),
    [
        ("dev", "0", "GOVERNANCE", 30),
        ("dev", "1", "GOVERNANCE", 1),
        ("staging", "0", "COMPLIANCE", 2555),
        ("prod", "0", "COMPLIANCE", 2555),
        ("prod", "3650", "COMPLIANCE", 3650),
    ],
)
@pytest.mark.parametrize("ci", ["github", "none"])
def test_records_are_locked_for_good_except_in_dev(ci: str, stage: str, days: str, mode: str, locked: int) -> None:
    template = infrastructure("project", {"regulated": "yes", "ci": ci}, Stage=stage, RetentionDays=days)
    assert str(template["Parameters"]["RetentionDays"]["Default"]) == "0"

    def chosen(value: Any) -> Any:
        """What CloudFormation makes of ``!If``."""
        if not isinstance(value, dict):
            return value
        condition, *both = value["If"]
        left, right = template["Conditions"][condition]["Equals"]
        return chosen(both[str(left) != str(right)])

    resources = template["Resources"]
    lock = resources["RecordsBucket"]["Properties"]["ObjectLockConfiguration"]
    retention = lock["Rule"]["DefaultRetention"]
    assert (lock["ObjectLockEnabled"], chosen(retention["Mode"])) == ("Enabled", mode)
    assert int(chosen(retention["Days"])) == locked
    roles = [one for one in resources.values() if one["Type"] == "AWS::IAM::Role"]
    assert not [role for role in roles if "s3:BypassGovernanceRetention" in allowed(role)]


@pytest.mark.parametrize("regulated", ["no", "yes"])
def test_records_can_be_written_and_only_their_lists_deleted(regulated: str) -> None:
    resources = infrastructure("project", {"regulated": regulated}, Stage="dev")["Resources"]
    place = f"arn:aws:s3:::churn-dev-444444444444{'-records' if regulated == 'yes' else ''}"
    rights = allowed(resources["AirflowRole"])
    # docs/records.md: what writing needs, and "like a pull" for the digests of images
    assert f"{place}/records/*" in rights["s3:PutObject"]
    assert rights["s3:DeleteObject"] == [f"{place}/records/*/index/*"]
    assert rights["ecr:BatchGetImage"] == allowed(resources["JobRole"])["ecr:BatchGetImage"]
    assert regulated == "no" or not [one for one in rights["s3:PutObject"] if one.startswith(f"{place[:-8]}/records")]
