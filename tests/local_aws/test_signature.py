"""A request is admitted when botocore, with the right secret, has signed just this request."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from airflow_sagemaker_mlops.local_aws import signature
from airflow_sagemaker_mlops.local_aws.errors import AwsError
from airflow_sagemaker_mlops.local_aws.signature import Signed

KEYS = Credentials("LOCALKEY", "a secret", "a token")
SIGNERS = {
    "header": lambda: SigV4Auth(KEYS, "sqs", "us-east-1"),
    "query": lambda: SigV4QueryAuth(KEYS, "sts", "eu-west-1"),
    "s3": lambda: S3SigV4Auth(KEYS, "s3", "us-east-1"),
    "s3 query": lambda: S3SigV4QueryAuth(KEYS, "s3", "us-east-1"),
    "older s3 query": lambda: HmacV1QueryAuth(KEYS),
}
PATHS = [
    "/",
    "/b/key",
    "/b/a%20b/%C3%A4%2B%25.txt",
    "/b//data//x",
    "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations",
]
QUERIES = ["", "?versionId=a%2Fb&partNumber=1", "?list-type=2&prefix=a%20b%26c&delimiter=%2F", "?uploads"]


def signed_by(signer: str, path: str, query: str, body: bytes = b"body") -> Signed:
    presigned = signer.endswith("query")  # botocore would put the body into such a URL
    request = AWSRequest("PUT", f"http://127.0.0.1:4566{path}{query}", data=b"" if presigned else body)
    request.headers["x-amz-meta-a_b"] = "  spaces   inside "
    request.headers["Content-Type"] = "text/plain; charset=utf-8"
    SIGNERS[signer]().add_auth(request)
    parts = urlsplit(request.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"host": parts.netloc, **{name.lower(): value for name, value in request.headers.items()}}
    return Signed("PUT", target, headers)


def admit(request: Signed, secret: str = KEYS.secret_key, body: bytes = b"body", at: datetime | None = None) -> None:
    claim = signature.claim_of(request)
    assert claim is not None
    assert claim.key == KEYS.access_key
    signature.check_time(claim, at or datetime.now(UTC))
    stated = signature.payload_hash(claim, request)
    signature.check(claim, request, secret, stated or hashlib.sha256(body).hexdigest())
    if stated:
        signature.check_payload(stated, body)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("signer", SIGNERS)
def test_what_botocore_signs_is_admitted(signer: str, path: str, query: str) -> None:
    body = b"" if signer == "query" else b"body"  # outside of S3 a URL is signed with no body
    admit(signed_by(signer, path, query), body=body)


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(
    "change",
    [
        {"secret": "another secret"},
        {"method": "DELETE"},
        {"path": "/b/other"},
        {"at": datetime.now(UTC) + timedelta(days=8)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_anything_else_is_refused(signer: str, change: dict[str, object]) -> None:
    request = signed_by(signer, "/b/key", "")
    if "method" in change:
        request = dataclasses.replace(request, method="DELETE")
    if "path" in change:
        request = dataclasses.replace(request, target=request.target.replace("/b/key", "/b/other"))
    with pytest.raises(AwsError) as caught:
        admit(request, str(change.get("secret", KEYS.secret_key)), at=change.get("at"))  # type: ignore[arg-type]
    assert caught.value.status == 403


@pytest.mark.parametrize("signer", ["header", "s3"])
def test_another_body_is_refused(signer: str) -> None:
    with pytest.raises(AwsError, match=r"InvalidSignature|XAmzContentSHA256Mismatch"):
        admit(signed_by(signer, "/b/key", ""), body=b"another")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_signature_is_good_for_a_quarter_of_an_hour(minutes: int) -> None:
    request = signed_by("header", "/", "")
    admit(request, at=datetime.now(UTC) + timedelta(minutes=minutes / 2))
    with pytest.raises(AwsError, match="Signature expired"):
        admit(request, at=datetime.now(UTC) + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=K/20260101/../s3/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=K/2026/us-east-1/s3/aws4_request",
        "Bearer x",
    ],
)
def test_a_claim_without_its_parts_is_none(header: str) -> None:
    assert signature.claim_of(Signed("GET", "/", {"authorization": header})) is None


@pytest.mark.parametrize("signer", ["query", "s3 query"])
@pytest.mark.parametrize("name", ["x-amz-copy-source", "x-amz-target", "x-amz-acl"])
def test_a_header_that_was_added_to_a_presigned_url_is_refused(signer: str, name: str) -> None:
    request = signed_by(signer, "/b/key", "")
    claim = signature.claim_of(request)
    assert claim is not None
    signature.check_headers(claim, request)
    added = dataclasses.replace(request, headers={**request.headers, name: "/other/secret"})
    with pytest.raises(AwsError, match=f"not signed: {name}"):
        signature.check_headers(claim, added)


@pytest.mark.parametrize("signer", ["query", "s3 query", "older s3 query"])
def test_a_presigned_url_with_an_authorization_header_is_refused(signer: str) -> None:
    request = signed_by(signer, "/b/key", "")
    claim = signature.claim_of(request)
    assert claim is not None
    both = dataclasses.replace(request, headers={**request.headers, "authorization": "X Credential=K/1/r/iam/x"})
    with pytest.raises(AwsError, match="Only one auth mechanism"):
        signature.check_headers(claim, both)
