"""Signed raw requests: boto3 would choose content types and headers itself."""

from __future__ import annotations

import gzip
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest

from airflow_sagemaker_mlops.local_aws import LocalAws

BODY = b'{"a": "1&b=2", "key": "x"}'
KINDS: dict[str, tuple[dict[str, str], bytes]] = {
    "form": ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=1&key=2"),
    "form with a charset": ({"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, BODY),
    "multipart": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ninside\r\n--x--\r\n',
    ),
    "json": ({"Content-Type": "application/json"}, BODY),
    "text": ({"Content-Type": "text/plain; charset=latin-1"}, "ä".encode("latin-1")),
    "none": ({}, BODY),
    "gzip": ({"Content-Type": "text/csv", "Content-Encoding": "gzip"}, gzip.compress(b"1,2\n", mtime=0)),
    "not utf-8": ({"Content-Type": "application/octet-stream"}, bytes(range(256))),
}


def send(
    aws: LocalAws, service: str, method: str, path: str, body: bytes, headers: dict[str, str], **more: Any
) -> tuple[int, bytes]:
    """Send one request signed and otherwise unchanged: boto3 would choose the headers itself."""
    request = AWSRequest(method, aws.endpoint_url + path, data=body, headers=headers)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(aws.session().get_credentials(), service, aws.region)
    if "payload" in more:
        signer.payload = lambda _request: more["payload"]  # type: ignore[method-assign]
    signer.add_auth(request)
    with closing(HTTPConnection(urlsplit(aws.endpoint_url).netloc, timeout=60)) as connection:
        connection.request(method, path, body, dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, answer.read()
