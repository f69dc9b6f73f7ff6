"""The two kinds of store."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.s3 import S3Store


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "records")


@pytest.fixture
def s3(aws: LocalAws) -> Any:
    return aws.session().client("s3", endpoint_url=aws.endpoint_url)


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"records-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """Both kinds of store, empty."""
    if request.param == "folder":
        return request.getfixturevalue("folder")
    return S3Store(request.getfixturevalue("s3"), request.getfixturevalue("bucket"), "records")
