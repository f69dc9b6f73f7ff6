"""Complete listings from the S3 of the embedded AWS, compared with boto3's paginators."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from airflow_sagemaker_mlops.s3 import pages

pytestmark = pytest.mark.e2e
KEYS = ("in/a b", "in/ü", "in/x+y", "in/z", "in/%41")


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket with versions: of every key two."""
    name = f"pages-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"22"):
        for key in KEYS:
            s3.put_object(Bucket=name, Key=key, Body=body)
    return name


@pytest.mark.parametrize(
    ("operation", "member", "count"), [("list_objects_v2", "Contents", 5), ("list_object_versions", "Versions", 10)]
)
def test_pages_give_what_paginators_give(s3: Any, bucket: str, operation: str, member: str, count: int) -> None:
    def two_at_a_time(**members: Any) -> Any:
        return getattr(s3, operation)(**members, MaxKeys=2)

    ours = [item for page in pages(two_at_a_time, Bucket=bucket, Prefix="in/") for item in page.get(member, [])]
    theirs = s3.get_paginator(operation).paginate(Bucket=bucket, Prefix="in/")
    assert ours == [item for page in theirs for item in page.get(member, [])]
    assert len(ours) == count


def test_a_listing_of_nothing_is_one_empty_page(s3: Any, bucket: str) -> None:
    assert [page.get("Contents", []) for page in pages(s3.list_objects_v2, Bucket=bucket, Prefix="no/")] == [[]]
