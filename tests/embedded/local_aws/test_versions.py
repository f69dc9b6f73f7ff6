"""Object versions of S3 in the embedded AWS: listed as on AWS, and preserved across a restart."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws


@pytest.fixture
def s3(aws: LocalAws) -> Any:
    return aws.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"versions-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(s3: Any, bucket: str, key: str, body: str) -> str:
    return str(s3.put_object(Bucket=bucket, Key=key, Body=body.encode())["VersionId"])


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_versions_are_listed_newest_first_on_pages_of_any_size(s3: Any, bucket: str, size: int) -> None:
    wanted = [("a b+ü", put(s3, bucket, "a b+ü", body)) for body in ("1", "2", "3")][::-1]
    wanted += [("b&c", put(s3, bucket, "b&c", "1"))]
    put(s3, bucket, "zz", "1")
    s3.delete_object(Bucket=bucket, Key="b&c")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="", PaginationConfig={"PageSize": size}
    )
    items = [item for page in pages for item in page.get("Versions", [])]
    assert [(item["Key"], item["VersionId"]) for item in items][:-1] == wanted
    assert [item["IsLatest"] for item in items] == [True, False, False, False, True]


def test_only_keys_that_begin_with_the_prefix_are_listed(s3: Any, bucket: str) -> None:
    for key in ("in/a", "in/b", "out/a"):
        put(s3, bucket, key, "1")
    answer = s3.list_object_versions(Bucket=bucket, Prefix="in/")
    assert [item["Key"] for item in answer["Versions"]] == ["in/a", "in/b"]
    assert (answer["IsTruncated"], answer["Versions"][0]["Size"]) == (False, 1)
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucket"):
        s3.list_object_versions(Bucket="no-such-bucket-anywhere")


def test_versions_survive_a_restart(tmp_path: Path) -> None:
    aws = local_aws.start(tmp_path / "aws")
    try:
        s3, name = aws.client("s3"), aws.bucket
        old, new = put(s3, name, "k", "old"), put(s3, name, "k", "new")
        removed, kept = put(s3, name, "m", "1"), put(s3, name, "m", "2")
        s3.delete_object(Bucket=name, Key="m", VersionId=removed)
        s3.delete_object(Bucket=name, Key="m")
        copied = s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "k", "VersionId": old})[
            "VersionId"
        ]
        gone = put(s3, name, "gone", "1")
        s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "gone"}]})
        put(s3, name, "back", "1")
        marker = s3.delete_object(Bucket=name, Key="back")["VersionId"]
        s3.delete_object(Bucket=name, Key="back", VersionId=marker)
        hidden = put(s3, name, "hidden", "1")
        marker = s3.delete_object(Bucket=name, Key="hidden")["VersionId"]
        local_aws.stop(tmp_path / "aws")
        aws = local_aws.start(tmp_path / "aws")
        s3 = aws.client("s3")
        found = {item["VersionId"]: item["Key"] for item in s3.list_object_versions(Bucket=name)["Versions"]}
        found = {version: key for version, key in found.items() if key != "back"}
        assert found == {old: "k", new: "k", kept: "m", copied: "copy", gone: "gone", hidden: "hidden"}
        assert s3.get_object(Bucket=name, Key="k", VersionId=old)["Body"].read() == b"old"
        assert s3.get_object(Bucket=name, Key="copy")["Body"].read() == b"old"
        assert [item["Key"] for item in s3.list_objects_v2(Bucket=name)["Contents"]] == ["back", "copy", "k"]
        s3.delete_object(Bucket=name, Key="hidden", VersionId=marker)
        assert s3.get_object(Bucket=name, Key="hidden")["Body"].read() == b"1"
    finally:
        local_aws.stop(tmp_path / "aws")
