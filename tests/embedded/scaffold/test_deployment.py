"""The deployment of a project, started with versions that are not approved, on the embedded AWS."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from airflow_sagemaker_mlops import RunObserver
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.runs.clients import Target
from airflow_sagemaker_mlops.runs.definition_source import GivenDefinition
from airflow_sagemaker_mlops.runs.request import RunRequest
from airflow_sagemaker_mlops.runs.run_each import run_each
from airflow_sagemaker_mlops.scaffold import settle
from airflow_sagemaker_mlops.scaffold.projects import project_files

pytestmark = pytest.mark.e2e
REJECTS = {"Approval": {"decision": "Rejected", "user": "ann", "at": "2026-11-30T05:00:00Z"}}


@pytest.mark.parametrize("status", ["Rejected", "PendingManualApproval"])
def test_nothing_is_created_for_a_version_that_is_not_approved(aws: LocalAws, status: str) -> None:
    sagemaker, group = aws.client("sagemaker"), f"churn-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    container = {"Image": "i", "ModelDataUrl": "s3://bucket/model.tar.gz"}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    version = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus=status,
        InferenceSpecification={"Containers": [container], **types},
    )["ModelPackageArn"]
    [run] = run_each(
        RunRequest(
            GivenDefinition(project_files(settle({"project": group}))[f"dags/{group}/deploy.yaml"]),
            {"ModelPackageArn": version},
            name=group,
            target=Target(state_dir=Path(aws.state_dir)),
            records="off",
            answers=REJECTS,
        ),
        RunObserver(),
    )
    assert run.cause == f"NotApproved failed: {version} is rejected in the model registry, so it was not deployed."
    assert {name for name, step in run.steps.items() if step.state != "NotTaken"} == {
        "Approval",
        "IsApproved",
        "NotApproved",
    }
    found = sagemaker.describe_model_package(ModelPackageName=version)
    assert (found["ModelApprovalStatus"], "ModelLifeCycle" in found) == ("Rejected", False)
