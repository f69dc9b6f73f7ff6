"""``--stage`` and ``--config`` of the commands about a definition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app

GROUP = "arn:aws:sagemaker:eu-west-1:333333333333:model-package-group/late"
ROLE = "arn:aws:iam::222222222222:role/jobs"
STAGE = f"""account: "222222222222"
region: eu-west-1
principal: arn:aws:iam::222222222222:role/airflow
parameters: {{Group: "{GROUP}", Count: 2}}
pipelines: {{late: {{definition: dags/late.json}}}}
"""
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "Group", "Type": "String", "DefaultValue": "late"},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 1},
    ],
    "Steps": [
        {
            "Name": "Register",
            "Type": "RegisterModel",
            "Arguments": {
                "ModelPackageGroupName": {"Get": "Parameters.Group"},
                "ModelApprovalStatus": "PendingManualApproval",
                "InferenceSpecification": {
                    "Containers": [{"Image": "1.dkr.ecr.eu-west-1.amazonaws.com/x:1", "ModelDataUrl": "s3://b/m.tar.gz"}],
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedResponseMIMETypes": ["text/csv"],
                },
            },
        }
    ],
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("config", "dags"):
        (tmp_path / name).mkdir()
    (tmp_path / "config" / "prod.yaml").write_text(STAGE)
    (tmp_path / "dags" / "late.json").write_text(json.dumps(DEFINITION))
    return tmp_path


def invoke(project: Path, command: str, *words: str) -> tuple[int, str, str]:
    file = str(project / "dags" / "late.json")
    done = CliRunner().invoke(app, [command, file, "--project", str(project), *words])
    return done.exit_code, done.stdout, done.stderr


def test_check_reports_what_does_not_fit_in_the_stage(project: Path) -> None:
    assert invoke(project, "check", "--stage", "prod")[0] == 0
    (project / "config" / "prod.yaml").write_text(STAGE.replace("Count: 2", "Count: two, Grupp: x"))
    code, out, _ = invoke(project, "check", "--stage", "prod")
    assert code == 1
    assert 'prod.yaml:4:97  $.parameters.Count  [SM360 misfit-in-stage] parameter "Count" is "two"' in out
    assert 'parameter "Grupp" is not declared by pipeline "late".\n      Did you mean "Group"?' in out


def test_check_applies_the_rules_of_the_api_to_the_values_of_the_stage(project: Path) -> None:
    (project / "config" / "prod.yaml").write_text(STAGE.replace(GROUP, "not a group!"))
    _, out, _ = invoke(project, "check", "--stage", "prod")
    assert "with these values, in" in out
    assert "SM152" in out


def test_plan_has_the_values_of_the_stage(project: Path) -> None:
    for words in (["--stage", "prod"], ["--config", str(project / "config" / "prod.yaml")]):
        code, out, _ = invoke(project, "plan", "--json", *words)
        assert code == 0
        assert [one["default"] for one in json.loads(out)["parameters"]] == [GROUP, 2]


def test_iam_has_account_region_and_names_of_the_stage_and_names_the_other_account(project: Path) -> None:
    code, out, err = invoke(project, "iam", "--stage", "prod")
    assert code == 0
    resources = {row["Resource"] for row in json.loads(out)["Statement"]}
    assert {GROUP, GROUP.replace("-group/", "/") + "/*"} <= resources
    assert f"{GROUP} is of another account, which must allow the access" in err
    code, out, _ = invoke(project, "iam", "--stage", "prod", "--resource-policies")
    group, versions = json.loads(out)[GROUP]["Statement"]
    assert group["Principal"] == {"AWS": "arn:aws:iam::222222222222:role/airflow"}
    assert group["Resource"] == GROUP
    assert "sagemaker:CreateModelPackage" in group["Action"]
    assert versions["Resource"] == GROUP.replace("-group/", "/") + "/*"


def test_a_stage_without_configuration_ends_a_command_with_a_sentence(project: Path) -> None:
    for command in ("check", "plan", "iam"):
        code, out, err = invoke(project, command, "--stage", "prodd")
        assert code in (1, 2)
        assert 'Did you mean "prod"?' in out + err
