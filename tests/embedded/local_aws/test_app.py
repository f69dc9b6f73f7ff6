"""The application of the embedded AWS: access control, and requests that arrive unchanged."""

from __future__ import annotations

import base64
import io
import json
import socket
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from signed_requests import BODY, KINDS, send

from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.e2e

CODE = "import json\ndef handler(event, context):\n    return event\n"
CHUNKED = b"5;chunk-signature=0\r\nhello\r\n1;chunk-signature=0\r\n!\r\n0;chunk-signature=0\r\n"


@pytest.fixture(scope="module")
def bucket(aws: LocalAws) -> str:
    aws.client("s3").create_bucket(Bucket="every-byte")
    return "every-byte"


@pytest.fixture(scope="module")
def function(aws: LocalAws) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("echo.py", CODE)
    aws.client("lambda").create_function(
        FunctionName="echo",
        Runtime="python3.11",
        Role=aws.role_arn,
        Handler="echo.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    return "echo"


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_stored_byte_for_byte_whatever_its_content_type(aws: LocalAws, bucket: str, kind: str) -> None:
    headers, body = KINDS[kind]
    assert send(aws, "s3", "PUT", f"/{bucket}/whole", body, headers)[0] == 200
    found = aws.client("s3").get_object(Bucket=bucket, Key="whole")
    assert found["Body"].read() == body
    if "Content-Type" in headers:
        assert found["ContentType"] == headers["Content-Type"]
    assert found.get("ContentEncoding", "") == headers.get("Content-Encoding", "")


@pytest.mark.parametrize(
    ("member", "right"),
    [
        ("ContentMD5", "XUFAKrxLKna5cZ2REBfFkg=="),  # of "hello", by openssl and by zlib's crc32 utility
        ("ChecksumCRC32", "NhCmhg=="),
        ("ChecksumSHA256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
    ],
)
def test_a_body_that_does_not_match_its_checksum_is_refused(
    aws: LocalAws, bucket: str, member: str, right: str
) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="summed", Body=b"hello", **{member: right})
    with pytest.raises(s3.exceptions.ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key="summed", Body=b"hallo", **{member: right})
    assert s3.get_object(Bucket=bucket, Key="summed")["Body"].read() == b"hello"


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_an_upload_is_stored_byte_for_byte(aws: LocalAws, bucket: str, kind: str) -> None:
    headers, body = KINDS[kind]
    s3 = aws.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    path = f"/{bucket}/parts?{urlencode({'partNumber': 1, 'uploadId': upload})}"
    assert send(aws, "s3", "PUT", path, body, headers)[0] == 200
    (part,) = s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)["Parts"]
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=done)
    assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == body


@pytest.mark.parametrize("coding", ["aws-chunked", "aws-chunked,gzip"])
def test_the_coding_of_a_transfer_is_not_stored_with_the_object(aws: LocalAws, bucket: str, coding: str) -> None:
    payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    headers = {
        "Content-Encoding": coding,
        "x-amz-content-sha256": payload,
        "x-amz-decoded-content-length": "6",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-sdk-checksum-algorithm": "CRC32",
    }
    checksum = base64.b64encode(zlib.crc32(b"hello!").to_bytes(4, "big"))
    body = CHUNKED + b"x-amz-checksum-crc32:%b\r\n\r\n" % checksum
    assert send(aws, "s3", "PUT", f"/{bucket}/chunked", body, headers, payload=payload)[0] == 200
    found = aws.client("s3").get_object(Bucket=bucket, Key="chunked")
    assert found["Body"].read() == b"hello!"
    assert found.get("ContentEncoding", "") == coding.removeprefix("aws-chunked").lstrip(",")
    status, answer = send(aws, "s3", "PUT", f"/{bucket}/chunked", CHUNKED[:-20], headers, payload=payload)
    assert (status, b"IncompleteBody" in answer) == (400, True)


@pytest.mark.parametrize("kind", ["form", "multipart", "json", "none"])
def test_a_function_gets_its_event_whatever_its_content_type(aws: LocalAws, function: str, kind: str) -> None:
    path = f"/2015-03-31/functions/{function}/invocations"
    assert send(aws, "lambda", "POST", path, BODY, KINDS[kind][0]) == (200, BODY)


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"]
)
def test_a_message_is_stored_byte_for_byte_in_the_query_protocol(aws: LocalAws, kind: str) -> None:
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="bytes")["QueueUrl"]
    text = 'a=1&b=2 ä+%"'
    body = urlencode({"Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": queue, "MessageBody": text})
    assert send(aws, "sqs", "POST", "/", body.encode(), {"Content-Type": kind})[0] == 200
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == text
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


@pytest.mark.parametrize("kind", ["application/x-amz-json-1.0", "application/json; charset=utf-8", ""])
def test_a_message_is_stored_byte_for_byte_in_the_json_protocol(aws: LocalAws, kind: str) -> None:
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="bytes")["QueueUrl"]
    text = 'Action=ListQueues&a=1&b=2 ä+%"'
    headers = {"X-Amz-Target": "AmazonSQS.SendMessage"} | ({"Content-Type": kind} if kind else {})
    body = json.dumps({"QueueUrl": queue, "MessageBody": text}).encode()
    assert send(aws, "sqs", "POST", "/", body, headers)[0] == 200
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == text
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_a_presigned_url_accepts_the_headers_that_urllib_sends(aws: LocalAws, bucket: str) -> None:
    for version in ("s3", "s3v4"):
        s3 = boto3.client("s3", endpoint_url=aws.endpoint_url, config=Config(signature_version=version), **keys(aws))
        url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "given"})
        with urllib.request.urlopen(urllib.request.Request(url, data=b"a=1", method="PUT"), timeout=60) as answer:
            assert answer.status == 200
        assert aws.client("s3").get_object(Bucket=bucket, Key="given")["Body"].read() == b"a=1"
        changed = urllib.request.Request(url.replace("/given", "/other"), data=b"a=1", method="PUT")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(changed, timeout=60)


def keys(aws: LocalAws, **changed: str) -> dict[str, str]:
    given = {"aws_access_key_id": aws.access_key, "aws_secret_access_key": aws.secret_key, "region_name": aws.region}
    return given | changed


def test_the_access_key_alone_is_not_enough(aws: LocalAws) -> None:
    sts = boto3.client("sts", endpoint_url=aws.endpoint_url, **keys(aws, aws_secret_access_key="a guess"))
    with pytest.raises(sts.exceptions.ClientError, match="signature we calculated does not match"):
        sts.get_caller_identity()


def test_chunks_without_their_stated_signature_are_refused(aws: LocalAws, bucket: str) -> None:
    headers = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": "6"}
    payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    headers["x-amz-content-sha256"] = payload
    status, answer = send(aws, "s3", "PUT", f"/{bucket}/signed", CHUNKED + b"\r\n", headers, payload=payload)
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in answer) == (403, True)


@pytest.mark.parametrize(
    ("service", "path", "status", "said"),
    [
        ("sagemaker", "/", 400, b"UnknownOperationException"),
        ("dynamodb", "/", 400, b"UnknownOperationException"),
        ("sagemaker", "/nowhere", 400, b"UnknownOperationException"),
        ("sts", "/", 400, b"<Code>MissingAction</Code>"),
        ("iam", "/", 400, b"<Code>MissingAction</Code>"),
    ],
)
def test_a_request_that_names_no_operation_is_refused_for_that(
    aws: LocalAws, service: str, path: str, status: int, said: bytes
) -> None:
    found, answer = send(aws, service, "POST", path, b"{}", {})
    assert (found, said in answer) == (status, True), answer


@pytest.mark.parametrize("token", [None, "a guess"])
def test_keys_issued_by_sts_are_valid_only_with_their_token(aws: LocalAws, token: str | None) -> None:
    given = aws.client("sts").assume_role(RoleArn=aws.role_arn, RoleSessionName="session")["Credentials"]
    own = keys(aws, aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"])
    own |= {"endpoint_url": aws.endpoint_url} | ({"aws_session_token": token} if token else {})
    for service, call, said in (
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("sagemaker", "list_models", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidToken" if token else "InvalidAccessKeyId"),
    ):
        client = boto3.client(service, **own)
        with pytest.raises(client.exceptions.ClientError, match=said):
            getattr(client, call)()
        if service != "sagemaker":
            with pytest.raises(urllib.error.HTTPError, match="40"):
                urllib.request.urlopen(client.generate_presigned_url(call), timeout=60)


def test_keys_issued_by_sts_are_checked_too(aws: LocalAws) -> None:
    given = aws.client("sts").assume_role(RoleArn=aws.role_arn, RoleSessionName="session")["Credentials"]
    own = keys(aws, aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"])
    token = {"aws_session_token": given["SessionToken"], "endpoint_url": aws.endpoint_url}
    assert boto3.client("s3", **own, **token).list_buckets()["Buckets"]
    with urllib.request.urlopen(boto3.client("s3", **own, **token).generate_presigned_url("list_buckets")) as answer:
        assert answer.status == 200
    stranger = boto3.client("s3", **own | {"aws_secret_access_key": "a guess"}, **token)
    with pytest.raises(stranger.exceptions.ClientError, match="SignatureDoesNotMatch"):
        stranger.list_buckets()


@pytest.mark.parametrize(
    ("service", "target", "body"),
    [
        ("sagemaker", "SageMaker.ListModels", b'{"MaxResults": NaN}'),
        ("sagemaker", "SageMaker.ListTags", b'{"ResourceArn": "arn:aws:sagemaker:r:1:x/y", "MaxResults": 1e400}'),
        ("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", b'{"ResourcesPerPage": -Infinity}'),
        ("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", b'{"ResourceTypeFilters": 1.5}'),
    ],
)
def test_an_invalid_number_is_a_client_error(aws: LocalAws, service: str, target: str, body: bytes) -> None:
    assert send(aws, service, "POST", "/", body, {"X-Amz-Target": target})[0] == 400


def test_a_presigned_url_of_another_service_is_answered_by_that_service(aws: LocalAws) -> None:
    url = aws.client("lambda").generate_presigned_url("list_functions")
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert "Functions" in json.load(answer)


def test_a_presigned_url_reads_no_secret_of_another_service(aws: LocalAws) -> None:
    aws.client("secretsmanager").create_secret(Name="given", SecretString="kept")
    s3 = boto3.client("s3", endpoint_url=aws.endpoint_url, config=Config(signature_version="s3v4"), **keys(aws))
    scope = f"{aws.access_key}/20260101/us-east-1/secretsmanager/aws4_request"
    target = {"X-Amz-Target": "secretsmanager.GetSecretValue"}
    for more in ({}, {"Authorization": f"X Credential={scope}, SignedHeaders=host, Signature=0"}):
        request = urllib.request.Request(s3.generate_presigned_url("list_buckets"), headers=target | more)
        request.data, request.method = b'{"SecretId": "given"}', "GET"
        with pytest.raises(urllib.error.HTTPError, match="40"):
            urllib.request.urlopen(request, timeout=60)


def raw(aws: LocalAws, request: bytes, *, more: bool = True) -> int:
    """The status of the answer to raw bytes; without ``more``, the client closes its side afterwards."""
    with socket.create_connection(("127.0.0.1", urlsplit(aws.endpoint_url).port or 0), timeout=60) as connection:
        connection.sendall(request)
        if not more:
            connection.shutdown(socket.SHUT_WR)
        with closing(HTTPResponse(connection)) as answer:
            answer.begin()
            return answer.status


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n",
        b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n",
        b"PUT /b/k HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"G\0T / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_strangers_are_refused_before_their_body_is_read(aws: LocalAws, request_: bytes) -> None:
    assert 400 <= raw(aws, request_) < 500


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Transfer-Encoding": "chunked"}, b"FFFFFFFFFFFF\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nhello!!!\r\n0\r\n\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"-5\r\n"),
        ({"Content-Length": "99999999999999"}, b""),
        ({"Content-Length": "1_0"}, b"1234567890"),
        ({"Content-Length": "5", "Transfer-Encoding": "chunked"}, b"0\r\n\r\n"),
        ({"Content-Length": "10"}, b"short"),
    ],
)
def test_a_body_that_contradicts_its_headers_is_refused(aws: LocalAws, headers: dict[str, str], body: bytes) -> None:
    request = AWSRequest("POST", aws.endpoint_url + "/")
    SigV4Auth(aws.session().get_credentials(), "sqs", aws.region).add_auth(request)
    host = {"Host": urlsplit(aws.endpoint_url).netloc}
    lines = [f"{name}: {value}" for name, value in (host | dict(request.headers.items()) | headers).items()]
    request_ = "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + body
    assert 400 <= raw(aws, request_, more=False) < 500


@pytest.fixture(scope="module", autouse=True)
def still_there(aws: LocalAws) -> Iterator[None]:
    yield
    assert aws.client("sts").get_caller_identity()["Account"] == aws.account
