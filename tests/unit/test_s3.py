"""URIs of S3, and writes that hold only on a condition; error codes as S3 gives them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.s3 import NEW, put, split_uri


class Refused(Exception):
    """What boto3 raises, as far as the package reads it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class Bucket:
    """Answers every write with the error ``code``, or accepts it."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        self.written: list[dict[str, Any]] = []

    def put_object(self, **members: Any) -> dict[str, Any]:
        if self.code:
            raise Refused(self.code)
        self.written.append(members)
        return {}


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://bucket/a/b.json", ("bucket", "a/b.json")),
        ("s3://bucket/a/", ("bucket", "a/")),
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3:///key", ("", "key")),
    ],
)
def test_a_uri_has_a_bucket_and_a_key(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts


def test_a_write_has_its_condition_and_its_other_members() -> None:
    bucket: Any = Bucket()

    assert put(bucket, "b", "k", b"1", NEW, ContentType="text/plain")
    assert put(bucket, "b", "k", b"2")
    assert bucket.written == [
        {"Bucket": "b", "Key": "k", "Body": b"1", "ContentType": "text/plain", "IfNoneMatch": "*"},
        {"Bucket": "b", "Key": "k", "Body": b"2"},
    ]


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"])
def test_a_write_whose_condition_does_not_hold_is_no_error(code: str) -> None:
    bucket: Any = Bucket(code)

    assert not put(bucket, "b", "k", b"1", {"IfMatch": '"etag"'})


@pytest.mark.parametrize(
    ("code", "condition"), [("NoSuchBucket", NEW), ("AccessDenied", NEW), ("PreconditionFailed", {})]
)
def test_every_other_error_of_a_write_is_raised(code: str, condition: dict[str, str]) -> None:
    bucket: Any = Bucket(code)

    with pytest.raises(Refused):
        put(bucket, "b", "k", b"1", condition)
