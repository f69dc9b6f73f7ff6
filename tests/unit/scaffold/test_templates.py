"""The files that the template renders for given answers."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import yaml
from answer_sets import named, pairwise
from cloudformation import Loader, Template, linted

from airflow_sagemaker_mlops.definition import examine
from airflow_sagemaker_mlops.scaffold import Existing, settle
from airflow_sagemaker_mlops.scaffold.projects import MANIFEST, object_id, project_files
from airflow_sagemaker_mlops.scaffold.questions import FOLDER, Value
from airflow_sagemaker_mlops.stages.reader import parse_stage
from airflow_sagemaker_mlops.steps.requests import request_problems
from airflow_sagemaker_mlops.version import __version__

VALID = Path(__file__).parents[2] / "pipelines" / "valid"
OWN = Existing((VALID / "train-evaluate-register.json").read_text(), ".json", "own-group")
SETS = pairwise()


def made(answers: dict[str, Value]) -> dict[str, str]:
    return project_files(answers, OWN if answers["source"] in ("file", "pull") else None)


@pytest.mark.parametrize("answers", SETS, ids=lambda answers: named(answers.items()))
def test_what_the_answers_make_is_valid(answers: dict[str, Value]) -> None:
    files = made(answers)
    for name, text in files.items():
        assert text.endswith("\n"), name
        assert "[%" not in text, name
        assert not re.search(r"\[\[ \w+ \]\]", text), name
        if name.endswith(".py"):
            ast.parse(text, name)
        elif name.startswith("dags/") and name.endswith((".yaml", ".json")):
            pipeline, problems = examine(text.encode(), name=name)
            assert [*problems, *request_problems(pipeline)] == [] or name.endswith("train.json"), name
            if name.endswith("deploy.yaml"):  # nothing is created before the version is approved
                outside = {step.name: step.type for step in pipeline.steps if step.branch != "IfSteps"}
                assert outside == {"Approval": "x-approval", "IsApproved": "Condition", "NotApproved": "Fail"}
        elif name.endswith((".yaml", ".yml")):
            assert isinstance(yaml.load(text, Template), dict), name
        if name.startswith("config/"):
            stage = parse_stage(text, Path(name).stem, name, Path())
            assert {one.definition for one in stage.pipelines.values()} <= set(files)
    runs = {
        name
        for name in (".github/workflows/ci.yml", "buildspec.yml")
        if re.search(r"(make|test-dags) run\b", files.get(name, ""))
    }
    has_data = answers["source"] in ("yaml", "sdk")  # what a pipeline of the user reads is not on the machine of CI
    assert bool(runs) == (has_data and answers["ci"] != "none")
    group = "own-group" if answers["source"] in ("file", "pull") else "churn"
    assert f"ModelPackageGroupName: {group}\n" in files["infra/project.yaml"]
    assert answers["deploy"] == "none" or f"ModelPackageGroupName: {group}\n" in files["dags/churn/deploy.yaml"]
    [phony] = re.findall(r"^\.PHONY: (.*)$", files["Makefile"], flags=re.MULTILINE)
    without_recipe = {one for one in phony.split() if not re.search(rf"^{one}:.*\n\t", files["Makefile"], re.MULTILINE)}
    assert without_recipe == {"setup"}  # it only names the files that it makes
    folders = {name.partition("/")[0] for name in files}
    assert (".github" in folders) == (answers["ci"] == "github")
    assert {f"dags/churn/train.{'yaml' if answers['source'] == 'yaml' else 'json'}"} == {
        name for name in files if name.startswith("dags/churn/train.")
    }
    assert ("pipeline/pipeline.py" in files) == (answers["source"] == "sdk")
    assert ("infra/pipeline.yaml" in files) == (answers["ci"] == "codepipeline")
    assert ("dags/monitor.py" in files) == answers["monitoring"]
    assert ("dags/deploy.py" in files) == (answers["deploy"] != "none")
    assert ("LICENSE" in files) == (answers["licence"] != "none")
    assert {"mwaa", "astro"} & folders == {str(answers["target"])} - {"self-hosted"}


def test_the_same_answers_make_the_same_bytes() -> None:
    assert made(SETS[0]) == made(SETS[0])


def test_the_manifest_has_gits_id_of_every_file() -> None:
    files = made(SETS[0])
    ids = json.loads(files[MANIFEST])["files"]
    assert set(ids) == set(files) - {MANIFEST}
    assert object_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


@pytest.mark.parametrize("deploy", ["endpoint", "none"])
def test_workflows_ask_for_few_rights_and_pin_their_actions(deploy: str) -> None:
    files = project_files(settle({"project": "churn", "deploy": deploy}))
    for text in (text for name, text in files.items() if name.startswith(".github/")):
        workflow = yaml.load(text, Loader)
        assert workflow["permissions"] == {"contents": "read"}
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        uses = [step["uses"] for step in steps if "uses" in step]
        assert uses
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in uses)
        runs = [step["run"] for step in steps if "run" in step]
        assert not [run for run in runs if "${{" in run]  # an expression in a script is an injection
        assert "AWS_SECRET_ACCESS_KEY" not in text
        for step in (step for step in steps if step.get("run", "").endswith('deploy --stage "$STAGE"')):
            assert step["env"]["LOGNAME"] == "${{ github.actor }}"  # what Python's getpass says first
        assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_a_pull_request_takes_the_role_that_may_only_read() -> None:
    files = project_files(settle({"project": "churn"}))
    jobs = yaml.load(files[".github/workflows/deploy.yml"], Loader)["jobs"]
    roles = {
        name: [step["with"]["role-to-assume"] for step in job["steps"] if "configure-aws" in step.get("uses", "")]
        for name, job in jobs.items()
    }
    assert roles == {"preview": ["${{ vars.PREVIEW_ROLE }}"], "deploy": ["${{ vars.DEPLOY_ROLE }}"]}
    assert "environment" not in jobs["preview"]  # the token's subject would name it instead of the pull request
    assert "github.event_name == 'pull_request'" in jobs["preview"]["if"]
    assert jobs["deploy"]["if"] == "github.event_name != 'pull_request'"


def test_regulated_records_are_locked_and_a_person_decides() -> None:
    files = project_files(settle({"project": "churn", "regulated": "yes"}))
    resources = yaml.load(files["infra/project.yaml"], Template)["Resources"]
    lock = resources["RecordsBucket"]["Properties"]
    assert lock["ObjectLockEnabled"] is True
    assert "Type: x-approval" in files["dags/churn/train.yaml"]
    assert "FAIL_ON_RECORD_ERROR=True" in files["README.md"]


def test_the_role_of_airflow_may_touch_only_the_bucket_and_the_versions_of_the_project() -> None:
    template = project_files(settle({"project": "churn"}))["infra/project.yaml"]
    rows = yaml.load(template, Template)["Resources"]["AirflowRole"]["Properties"]["Policies"][0]
    for row in rows["PolicyDocument"]["Statement"]:
        if any(action.startswith("s3:") for action in row["Action"]):
            assert all("${Bucket}" in one["Sub"] for one in row["Resource"])
        if "sagemaker:UpdateModelPackage" in row["Action"]:
            assert all(one["Sub"].endswith(":model-package/churn/*") for one in row["Resource"])


def test_a_pipeline_that_needs_no_rights_makes_a_role_without_an_empty_policy() -> None:
    only_decides = json.dumps(
        {
            "Version": "2020-12-01",
            "Steps": [{"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "there is nothing to do"}}],
        }
    )
    answers = settle({"project": "churn", "source": "file", "definition": "x.json", "deploy": "none"})
    template = project_files(answers, Existing(only_decides, ".json"))["infra/project.yaml"]
    policies = yaml.load(template, Template)["Resources"]["AirflowRole"]["Properties"]["Policies"]
    assert [one["PolicyName"] for one in policies] == ["records"]
    assert linted(template) == []


@pytest.mark.parametrize("more", [{"ci": "github"}, {"ci": "codepipeline", "regulated": "yes", "deploy": "batch"}])
def test_cloudformation_finds_nothing_wrong(more: dict[str, Value]) -> None:
    files = project_files(settle({"project": "churn", **more}))
    found = {name: linted(text) for name, text in files.items() if name.startswith("infra/")}
    assert found
    assert not any(found.values())


def test_the_template_of_a_sagemaker_project_has_what_the_service_gives_it() -> None:
    template = (FOLDER / "project-template.yaml").read_text()
    assert linted(template) == []
    given = yaml.load(template, Template)["Parameters"]
    assert {"SageMakerProjectName", "SageMakerProjectId"} <= set(given)
    assert given["PackageVersion"]["Default"] == __version__
    answers = re.compile(given["Answers"]["AllowedPattern"])
    assert answers.match("deploy=batch,monitoring=no")
    assert not answers.match('deploy="$(id)"')


@pytest.mark.parametrize(("regulated", "shown"), [("yes", False), ("no", True)])
def test_a_run_without_an_account_does_not_look_for_a_champion_that_only_a_person_can_make(
    regulated: str, shown: bool
) -> None:
    answers = settle({"project": "churn", "source": "sdk", "deploy": "none", "regulated": regulated})
    script = project_files(answers)["run_locally.py"]
    assert ('mlops("champion", "show"' in script) is shown
    assert ("once somebody approves it" in script) is not shown
