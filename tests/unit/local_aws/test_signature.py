"""A request is admitted if and only if botocore signed exactly this request with the right secret."""

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
from airflow_sagemaker_mlops.local_aws.s3 import aws_chunked
from airflow_sagemaker_mlops.local_aws.signature import Claim, SignedRequest

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


def signed_by(signer: str, path: str, query: str, body: bytes = b"body") -> SignedRequest:
    presigned = signer.endswith("query")  # botocore would move the body into the query of such a URL
    request = AWSRequest("PUT", f"http://127.0.0.1:4566{path}{query}", data=b"" if presigned else body)
    request.headers["x-amz-meta-a_b"] = "  spaces   inside "
    request.headers["Content-Type"] = "text/plain; charset=utf-8"
    SIGNERS[signer]().add_auth(request)
    parts = urlsplit(request.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"host": parts.netloc, **{name.lower(): value for name, value in request.headers.items()}}
    return SignedRequest("PUT", target, headers)


def admit(
    request: SignedRequest, secret: str = KEYS.secret_key, body: bytes = b"body", at: datetime | None = None
) -> None:
    claim = signature.read_claim(request)
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
def test_a_request_signed_by_botocore_is_admitted(signer: str, path: str, query: str) -> None:
    body = b"" if signer == "query" else b"body"  # outside S3, a presigned URL covers no body
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
def test_a_signature_is_valid_for_fifteen_minutes(minutes: int) -> None:
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
def test_an_incomplete_credential_is_no_claim(header: str) -> None:
    assert signature.read_claim(SignedRequest("GET", "/", {"authorization": header})) is None


@pytest.mark.parametrize("signer", ["query", "s3 query"])
@pytest.mark.parametrize("name", ["x-amz-copy-source", "x-amz-target", "x-amz-acl"])
def test_an_unsigned_header_with_a_presigned_url_is_refused(signer: str, name: str) -> None:
    request = signed_by(signer, "/b/key", "")
    claim = signature.read_claim(request)
    assert claim is not None
    signature.check_headers(claim, request)
    added = dataclasses.replace(request, headers={**request.headers, name: "/other/secret"})
    with pytest.raises(AwsError, match=f"not signed: {name}"):
        signature.check_headers(claim, added)


@pytest.mark.parametrize("signer", ["query", "s3 query", "older s3 query"])
def test_a_presigned_url_with_an_authorization_header_is_refused(signer: str) -> None:
    request = signed_by(signer, "/b/key", "")
    claim = signature.read_claim(request)
    assert claim is not None
    both = dataclasses.replace(request, headers={**request.headers, "authorization": "X Credential=K/1/r/iam/x"})
    with pytest.raises(AwsError, match="Only one auth mechanism"):
        signature.check_headers(claim, both)


# The examples of "Transferring payload in multiple chunks" and "... including trailing headers", Amazon S3 API.
EXAMPLE = Claim(
    "header", "AKIA" + "IOSFODNN7EXAMPLE", "us-east-1", "s3", "20130524/us-east-1/s3/aws4_request", "20130524T000000Z"
)
EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY"
PLAIN = (
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    "",
)
WITH_TRAILER = (
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    "x-amz-checksum-crc32c:sOO8/Q==\r\n"
    "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
)


def in_parts(example: tuple[str, ...]) -> bytes:
    """66,560 letters "a" in chunks of 64 KiB."""
    _, _, first, second, last, trailers = example
    body = f"10000;chunk-signature={first}\r\n{'a' * 65536}\r\n400;chunk-signature={second}\r\n{'a' * 1024}\r\n"
    return f"{body}0;chunk-signature={last}\r\n{trailers}\r\n".encode()


@pytest.mark.parametrize("example", [PLAIN, WITH_TRAILER], ids=["plain", "with a trailer"])
def test_chunks_of_a_body_are_signed_as_in_the_examples_of_aws(example: tuple[str, ...]) -> None:
    def read(body: bytes) -> bytes:
        claim = dataclasses.replace(EXAMPLE, signature=example[1])
        check = signature.chunk_checker(claim, EXAMPLE_SECRET, example[0])
        return aws_chunked.decoded(body, "66560", check)[0]

    body = in_parts(example)
    assert read(body) == b"a" * 66560
    wrong = [body.replace(b"aaa", b"aba", 1), body.replace(b";chunk-signature=", b";signature=", 1)]
    wrong += [body.replace(one.encode(), b"0" * 64) for one in example[2:5]]
    wrong += [body.replace(b"sOO8/Q", b"AAAAAA"), body.replace(b"d81f82fc", b"00000000")] if example[5] else []
    for one in wrong:
        with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
            read(one)
