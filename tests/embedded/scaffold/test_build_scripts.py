"""The scripts of builds, run as CodeBuild runs them, with commands in place of those that need a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from airflow_sagemaker_mlops.scaffold import settle
from airflow_sagemaker_mlops.scaffold.projects import project_files
from airflow_sagemaker_mlops.scaffold.questions import FOLDER

pytestmark = pytest.mark.e2e
SAYS_WHO_IT_IS = f"""#!{sys.executable}
import json, sys, botocore.session
print(json.dumps([sys.argv[1:], botocore.session.Session().get_scoped_config()]))
"""


def command(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_a_deployment_takes_the_role_of_the_stage_in_its_account(tmp_path: Path) -> None:
    files = project_files(settle({"project": "churn", "ci": "codepipeline"}))
    [script] = yaml.safe_load(files["buildspec.yml"])["phases"]["build"]["commands"]
    (tmp_path / "config").mkdir()
    (tmp_path / "config/staging.yaml").write_text(files["config/staging.yaml"].replace("222222222222", "012345678901"))
    command(tmp_path / ".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    command(tmp_path / ".venv/bin/sagemaker-mlops", SAYS_WHO_IT_IS)
    environment = {"PATH": "/usr/bin:/bin", "STAGE": "staging", "TMPDIR": str(tmp_path)}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout) == [
        ["deploy", "--stage", "staging"],
        {
            "role_arn": "arn:aws:iam::012345678901:role/churn-staging-deploy",
            "credential_source": "EcsContainer",  # CodeBuild's credentials
        },
    ]


@pytest.mark.parametrize(
    ("answers", "given"),
    [
        ("", ["region=eu-west-1", "ci=none"]),
        ("deploy=batch,monitoring=no", ["region=eu-west-1", "ci=none", "deploy=batch", "monitoring=no"]),
        ("ci=codepipeline,region=us-east-1", ["ci=codepipeline", "region=us-east-1"]),
    ],
)
def test_a_sagemaker_project_is_made_with_its_answers_and_pushed(
    tmp_path: Path, answers: str, given: list[str]
) -> None:
    template = (FOLDER / "project-template.yaml").read_text()
    script = template.partition("                - |\n                  set -eu\n")[2].partition("\n\n  StarterRole:")[
        0
    ]
    place = tmp_path / "made"
    new = f'#!/bin/sh\nmkdir -p {place}/churn-one && echo "$@" > {place}/churn-one/words\n'
    command(tmp_path / "sagemaker-mlops", new)
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PROJECT": "Churn-One",
        "ANSWERS": answers,
        "AWS_REGION": "eu-west-1",
        "URL": str(remote),
    }
    body = "set -eu\n" + script.replace("/tmp/venv/bin/sagemaker-mlops", str(tmp_path / "sagemaker-mlops"))
    body = body.replace("/tmp/$name", f"{place}/$name")
    for _ in range(2):  # the second finds a branch and changes nothing
        subprocess.run(["bash", "-c", body], env=environment, check=True, capture_output=True)
    shown = ["git", "-C", str(remote), "log", "--format=%s", "main", "--"]
    assert subprocess.run(shown, check=True, capture_output=True, text=True).stdout == "Start Churn-One\n"
    words = (place / "churn-one/words").read_text().split()
    assert words[:2] == ["new", f"{place}/churn-one"]
    assert [word for word in words[2:] if not word.startswith("--")] == given
    settle({key: value for key, _, value in (one.partition("=") for one in given)})  # they are answers
