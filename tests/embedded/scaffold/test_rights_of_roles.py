"""What ``infra/project.yaml`` allows to its roles, against the calls of deployments and runs on the embedded AWS."""

from __future__ import annotations

import json
import runpy
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cloudformation import resolved
from iam_reference import Call
from typer.testing import CliRunner

from airflow_sagemaker_mlops import RunObserver
from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.releases.bundle import build_bundle
from airflow_sagemaker_mlops.releases.preview import content_of, preview_of
from airflow_sagemaker_mlops.releases.release import Author, deploy, target_of
from airflow_sagemaker_mlops.releases.rights import deployer_rights
from airflow_sagemaker_mlops.runs.clients import Target
from airflow_sagemaker_mlops.runs.definition_source import GivenDefinition
from airflow_sagemaker_mlops.runs.request import RunRequest
from airflow_sagemaker_mlops.runs.run_each import run_each
from airflow_sagemaker_mlops.scaffold import settle
from airflow_sagemaker_mlops.scaffold.projects import project_files
from airflow_sagemaker_mlops.stages.reader import parse_stage

pytestmark = pytest.mark.e2e
ACCOUNT, REGION = "123456789012", "us-east-1"
# The action that authorizes an operation, and its resource: Service Authorization Reference.
ASKED = {
    "s3:HeadBucket": ("s3:ListBucket", "arn:aws:s3:::{Bucket}"),
    "s3:ListObjectsV2": ("s3:ListBucket", "arn:aws:s3:::{Bucket}"),
    "s3:HeadObject": ("s3:GetObject", "arn:aws:s3:::{Bucket}/{Key}"),
    "s3:GetObject": ("s3:GetObject", "arn:aws:s3:::{Bucket}/{Key}"),
    "s3:ListObjectVersions": ("s3:ListBucketVersions", "arn:aws:s3:::{Bucket}"),
    "s3:DeleteObject": ("s3:DeleteObject", "arn:aws:s3:::{Bucket}/{Key}"),
    "ecr:BatchGetImage": ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{{registryId}}:repository/{{repositoryName}}"),
    "s3:PutObject": ("s3:PutObject", "arn:aws:s3:::{Bucket}/{Key}"),
    "iam:SimulatePrincipalPolicy": ("iam:SimulatePrincipalPolicy", "{PolicySourceArn}"),
    "sagemaker:ListModelPackages": ("sagemaker:ListModelPackages", "*"),
    "sagemaker:DescribeModelPackage": ("sagemaker:DescribeModelPackage", "{ModelPackageName}"),
    "sagemaker:UpdateModelPackage": ("sagemaker:UpdateModelPackage", "{ModelPackageArn}"),
    "sagemaker:DescribeModelPackageGroup": (
        "sagemaker:DescribeModelPackageGroup",
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{{ModelPackageGroupName}}",
    ),
    "servicequotas:ListServiceQuotas": ("servicequotas:ListServiceQuotas", "*"),
}
NEEDS_NOTHING = {"sts:GetCallerIdentity"}  # AWS: "No permissions are required to perform this operation"


@dataclass(slots=True)
class Noted:
    """The permissions that the calls of a session ask for: (action, resources of which any will do)."""

    asks: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """botocore's event before it builds a request."""
        service, operation = model.service_model.signing_name, model.name
        call = f"{service}:{operation}"
        if call in ASKED:
            action, resource = ASKED[call]
            if params.get("VersionId"):
                action += "Version"
            self.asks.add((action, (resource.format(**params),)))
        elif call not in NEEDS_NOTHING:
            self.asks.update((ask.action, ask.arns) for ask in Call(service, operation, dict(params), {}).asks())


def role_of(files: dict[str, str], name: str) -> Iterator[tuple[str, str]]:
    """(action, resource) that the role allows, in stage ``dev``."""
    template = resolved(files["infra/project.yaml"], Stage="dev", account=ACCOUNT, region=REGION)
    for policy in template["Resources"][name]["Properties"]["Policies"]:
        for row in policy["PolicyDocument"]["Statement"]:
            assert row["Effect"] == "Allow"
            yield from ((action, resource) for action in row["Action"] for resource in row["Resource"])


@pytest.mark.parametrize("answers", [{}, {"target": "mwaa"}, {"ci": "codepipeline"}], ids=json.dumps)
def test_the_role_that_deploys_may_make_every_call_of_a_deployment(
    aws: LocalAws, tmp_path: Path, answers: dict[str, str]
) -> None:
    project, files = in_folder(tmp_path, answers)
    aws.client("s3").create_bucket(Bucket=f"{project}-dev-{ACCOUNT}")
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=project)
    noted, session = Noted(), aws.session()
    session.events.register("before-parameter-build", noted.note)
    stage = parse_stage((tmp_path / "config/dev.yaml").read_text(), "dev", "config/dev.yaml", tmp_path)
    target = target_of(cache(lambda service: session.client(service, endpoint_url=aws.endpoint_url)), stage)
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    for _ in ("no version is approved", "one is"):
        bundle = build_bundle(stage)
        preview_of(target, bundle, content_of(stage, bundle))
        assert deploy(target, bundle, Author("ann"), print).changed
        sagemaker.create_model_package(
            ModelPackageGroupName=project,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": "i", "ModelDataUrl": "s3://bucket/model.tar.gz"}],
                **types,
            },
        )
        (tmp_path / "dags/another.py").write_text("")

    deployer = f"arn:aws:iam::{ACCOUNT}:role/{project}-dev-deploy"  # the embedded AWS knows one role only
    asks = {(action, (deployer,) if arns == (aws.role_arn,) else arns) for action, arns in noted.asks}
    allowed = set(role_of(files, "DeployRole"))
    assert not uncovered(asks, allowed)
    assert {action for action, _ in allowed} == {action for action, _ in asks}
    # What a dry run asks IAM about leaves out only what it can do without.
    rights = deployer_rights(stage, target.releases.base, target.place.uri)
    checked = {(one.action, one.resource) for one in rights}
    optional = {"iam:SimulatePrincipalPolicy", "servicequotas:ListServiceQuotas"}
    assert not uncovered({ask for ask in asks if ask[0] not in optional}, checked)
    assert not uncovered({(one.action, (one.resource,)) for one in rights}, allowed)


@pytest.mark.parametrize("answers", [{}, {"target": "mwaa"}, {"target": "astro"}], ids=json.dumps)
def test_the_role_of_a_preview_may_make_every_call_of_a_dry_run_and_no_other(
    aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]
) -> None:
    project, files = in_folder(tmp_path, answers)
    aws.client("s3").create_bucket(Bucket=f"{project}-dev-{ACCOUNT}")
    stage = parse_stage((tmp_path / "config/dev.yaml").read_text(), "dev", "config/dev.yaml", tmp_path)
    noted, session = Noted(), aws.session()
    session.events.register("before-parameter-build", noted.note)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", session)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    dry_run = ["deploy", "--stage", "dev", "--dry-run", "--project", str(tmp_path), "--format", "markdown"]
    said = []
    for _ in ("nothing is deployed", "something is"):
        done = CliRunner().invoke(app, dry_run)
        assert done.exit_code == 0, done.output
        said.append(done.stdout)
        target = target_of(cache(lambda service: aws.session().client(service, endpoint_url=aws.endpoint_url)), stage)
        assert deploy(target, build_bundle(stage), Author("ann"), print).changed
        (tmp_path / "dags/another.py").write_text("")
    assert "nothing is deployed yet" in said[0]
    assert "+ another.py" in said[1]

    allowed = set(role_of(files, "PreviewRole"))
    assert not uncovered(noted.asks, allowed)
    assert {action for action, _ in allowed} == {action for action, _ in noted.asks}
    principals = {arns for action, arns in noted.asks if action == "iam:SimulatePrincipalPolicy"}
    assert principals == {(f"arn:aws:iam::{ACCOUNT}:role/{project}-dev-{one}",) for one in ("airflow", "deploy")}
    # Service Authorization Reference: access level "Read" or "List"
    reads = {"s3:GetObject", "s3:ListBucket", "iam:SimulatePrincipalPolicy", "servicequotas:ListServiceQuotas"}
    assert {action for action, _ in allowed} == reads


def test_the_role_of_airflow_may_make_every_call_of_a_recorded_training(
    aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = f"churn-{uuid.uuid4().hex[:8]}"
    files = project_files(settle({"project": project}))
    bucket = f"{project}-dev-{ACCOUNT}"
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    publish = runpy.run_path(str(tmp_path / f"dags/{project}/publish.py"))["publish"]
    publish(aws.client, bucket, aws.role_arn)
    noted, session = Noted(), aws.session()
    session.events.register("before-parameter-build", noted.note)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    values = {
        "Bucket": bucket,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{project}-dev-jobs",
        "CodeUri": f"s3://{bucket}/{project}/code",
        "DataUri": f"s3://{bucket}/{project}/data",
    }
    request = RunRequest(
        GivenDefinition(files[f"dags/{project}/train.yaml"]),
        values,
        name=f"{project}-train",
        target=Target(session=session, region_name=REGION),
        records=f"s3://{bucket}/records",
    )
    [run] = run_each(request, RunObserver())
    assert run.status == "Succeeded", run.cause
    refused = uncovered(noted.asks, set(role_of(files, "AirflowRole")))
    # A run in one process keeps a note of its start, which Airflow does not.
    started = f"arn:aws:s3:::{bucket}/records/{project}-train/starts/"
    assert not {ask for ask in refused if ask[0] != "s3:DeleteObject" or not ask[1][0].startswith(started)}
    assert "ecr:BatchGetImage" in {action for action, _ in noted.asks}


def in_folder(folder: Path, answers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The name and the files of a project, written into ``folder`` with the account of the embedded AWS for dev."""
    project = f"churn-{uuid.uuid4().hex[:8]}"
    files = project_files(settle({"project": project, **answers}))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("111111111111", ACCOUNT))
    return project, files


def uncovered(
    asks: set[tuple[str, tuple[str, ...]]], allowed: set[tuple[str, str]]
) -> set[tuple[str, tuple[str, ...]]]:
    return {
        (action, arns)
        for action, arns in asks
        if not any(action == given and fnmatchcase(arn, pattern) for given, pattern in allowed for arn in arns)
    }
