"""``deploy``, ``rollback`` and ``releases`` as a user calls them, on the embedded AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.local_aws.fault_injection import FILE, LOG, write_rules

pytestmark = pytest.mark.e2e
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Code", "Type": "String"}, {"Name": "Limit", "Type": "Integer", "DefaultValue": 1}],
    "Steps": [
        {
            "Name": "Compare",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "GreaterThan", "LeftValue": {"Get": "Parameters.Limit"}, "RightValue": 1}],
                "IfSteps": [],
                "ElseSteps": [],
            },
        }
    ],
}
REFUSED_WRITES = {"operation": "^(?!GET|HEAD|Get|List|Describe|Simulate)", "kind": "error"}  # S3 is named by method


class Desk:
    """The commands in a project of one pipeline."""

    def __init__(self, folder: Path, aws: LocalAws) -> None:
        self.folder, self.aws = folder, aws
        for name in ("config", "dags", "steps"):
            (folder / name).mkdir()
        (folder / "dags" / "late.py").write_text("from airflow_sagemaker_mlops import SageMakerPipelineDag")
        (folder / "steps" / "a.py").write_text("1")
        for stage in ("staging", "prod"):
            (folder / "config" / f"{stage}.yaml").write_text(
                f"project: late\nreleases: s3://late-{stage}-x/releases\ndags: s3://late-{stage}-x/dags\n"
                "code: {Code: steps}\npipelines: {late: {definition: dags/late.json}}\n"
            )
        self.limit(1)

    def limit(self, value: int) -> None:
        text = json.dumps(DEFINITION).replace('"DefaultValue": 1', f'"DefaultValue": {value}')
        (self.folder / "dags" / "late.json").write_text(text)

    def __call__(self, *words: str) -> tuple[int, Any, str]:
        """Exit code, what was printed as JSON, and standard error."""
        place = ["--project", str(self.folder), "--state-dir", str(self.aws.state_dir), "--format", "json"]
        done = CliRunner().invoke(app, [words[0], *place, *words[1:]])
        return done.exit_code, json.loads(done.stdout) if done.stdout else None, done.stderr

    def objects(self, stage: str) -> dict[str, str]:
        answer = (
            self.aws.session()
            .client("s3", endpoint_url=self.aws.endpoint_url)
            .list_objects_v2(Bucket=f"late-{stage}-x")
        )
        return {item["Key"]: item["ETag"] for item in answer.get("Contents") or []}


@pytest.fixture
def desk(tmp_path: Path, aws: LocalAws) -> Iterator[Desk]:
    yield Desk(tmp_path, aws)
    (Path(aws.state_dir) / FILE).unlink(missing_ok=True)


def test_a_project_goes_to_staging_and_production_and_back(desk: Desk) -> None:
    assert desk("deploy", "--stage", "staging")[0] == 0
    first = desk.objects("staging")["dags/late.zip"]
    desk.limit(2)
    write_rules(Path(desk.aws.state_dir), json.dumps({"seed": 1, "rules": [REFUSED_WRITES]}))
    before = desk.objects("staging")
    code, preview, _ = desk("deploy", "--stage", "staging", "--dry-run")
    assert code == 0  # of an account that refuses all writes
    assert preview["changes"]["late"] == ["~ parameter Limit: default 1 -> 2"]
    assert preview["release"] is None
    assert preview["rights"] == []  # the embedded AWS would allow whatever is asked
    assert preview["notes"] == ["rights are not checked: the embedded AWS enforces no policies"]
    assert desk("rollback", "--stage", "staging", "--dry-run")[0] == 1  # nothing before
    code, _, said = desk("deploy", "--stage", "staging")
    assert code == 1, said  # writes are refused
    assert desk.objects("staging") == before
    assert " PUT" in (Path(desk.aws.state_dir) / LOG).read_text()
    (Path(desk.aws.state_dir) / FILE).unlink()

    second = desk("deploy", "--stage", "staging")[1]["release"]
    desk.limit(3)  # what is promoted is what was deployed
    promoted = desk("deploy", "--stage", "prod", "--from", "staging")[1]["release"]
    assert (promoted["bundle"], promoted["code"]) == (second["bundle"], second["code"])
    assert desk.objects("prod")["dags/late.zip"] == desk.objects("staging")["dags/late.zip"] != first
    code, done, _ = desk("rollback", "--stage", "staging", "--reason", "worse")
    assert (code, done["release"]["release"], done["release"]["reason"]) == (0, 1, "worse")
    assert desk.objects("staging")["dags/late.zip"] == first
    assert [(row["kind"], row["release"]) for row in desk("releases", "--stage", "staging")[1]] == [
        ("rollback", 1),
        ("deployment", 2),
        ("deployment", 1),
    ]
    assert desk("rollback", "--stage", "prod")[0] == 1


def test_bad_arguments_are_sentences(desk: Desk) -> None:
    for words, said in (
        (["deploy"], "add --stage"),
        (["deploy", "--stage", "prodd"], 'Did you mean "prod"?'),
        (["deploy", "--stage", "prod", "--config", "x.yaml"], "Leave one out"),
        (["deploy", "--stage", "prod", "--conn", "aws"], "--conn and --local both name an account"),
        (["deploy", "--stage", "prod", "--from", "nowhere"], "has no configuration"),
        (["deploy", "--stage", "prod", "--format", "xml"], "use text, json or markdown"),
    ):
        code, _, err = desk(*words)
        assert (code, said in err) == (2, True), (words, err)
