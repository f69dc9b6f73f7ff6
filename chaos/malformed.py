"""Malformed requests to the embedded AWS: ``python -m chaos.malformed --count 5000 --seed 1``.

Half of them come from strangers, half from a client that has the key and sends nonsense.  None may get a response with
a status of 500 or above, and the server's memory must not grow.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.local_aws import LocalAws

ANSWER_S = 120.0
MAX_GROWTH = 64 << 20  # bytes that a server may have more after all of them than after the first tenth
AT_ONCE = 8
JSON_TARGETS = {
    "sagemaker": [
        "SageMaker.CreateTrainingJob",
        "SageMaker.ListTags",
        "SageMaker.CreateModelPackage",
        "SageMaker.Search",
    ],
    "logs": ["Logs_20140328.PutLogEvents", "Logs_20140328.DescribeLogStreams", "Logs_20140328.FilterLogEvents"],
    "sqs": ["AmazonSQS.SendMessage", "AmazonSQS.ReceiveMessage", "AmazonSQS.CreateQueue"],
    "events": ["AWSEvents.PutEvents", "AWSEvents.PutRule"],
    "elasticmapreduce": ["ElasticMapReduce.RunJobFlow", "ElasticMapReduce.DescribeStep"],
}
QUERY_ACTIONS = {
    "sts": ["AssumeRole", "GetCallerIdentity", "Nonsense"],
    "iam": ["CreateRole", "GetRole", "SimulatePrincipalPolicy"],
    "sqs": ["SendMessage", "CreateQueue"],
}
S3_QUERIES = [
    "",
    "?versioning",
    "?delete",
    "?uploads",
    "?partNumber=x&uploadId=%00",
    "?list-type=2&max-keys=x",
    "?tagging",
]
METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"]


@dataclass(frozen=True, slots=True)
class Malformed:
    """One request.

    ends   whether the client half-closes the connection; otherwise it disconnects after the response
    """

    what: str
    content: bytes
    ends: bool = True


@dataclass(slots=True)
class Outcome:
    """The outcome of the requests.

    answers      number of responses per status; 0 for a closed connection
    wrong        the requests whose responses had a status of 500 or above
    growth       bytes that the server has more after all of them than after the first tenth
    """

    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[tuple[int, Malformed]] = field(default_factory=list)
    growth: int = 0


def requests(aws: LocalAws, count: int, seed: int) -> Iterator[Malformed]:
    """The same requests for the same seed, except for the times and keys in them."""
    chance = random.Random(seed)
    makers = [_noise, _wrong_headers, _lying_chunks, _signed_json, _signed_query, _signed_s3, _signed_rest]
    for _ in range(count):
        yield chance.choice(makers)(aws, chance)


def _noise(_aws: LocalAws, chance: random.Random) -> Malformed:
    line = chance.choice([b"", b"GET / HTTP/1.1\r\n", b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\n", b"POST //[ HTTP/9.9\r\n"])
    return Malformed("noise", line + chance.randbytes(chance.randrange(2000)) + chance.choice([b"", b"\r\n\r\n"]))


def _wrong_headers(aws: LocalAws, chance: random.Random) -> Malformed:
    host = urlsplit(aws.endpoint_url).netloc
    wrong = chance.choice(
        [
            "Content-Length: -1",
            "Content-Length: 99999999999999999999",
            "Content-Length: 1_000",
            "Content-Length: 5\r\nContent-Length: 6",
            "Transfer-Encoding: gzip, chunked",
            "Authorization: AWS4-HMAC-SHA256 Credential=////, SignedHeaders=, Signature=",
            f"Authorization: AWS4-HMAC-SHA256 Credential={aws.access_key}/20260101/us-east-1/s3/aws4_request",
            "X" * chance.randrange(1, 70_000) + ": y",
            "\r\n".join(f"X-{number}: y" for number in range(chance.randrange(200))),
        ]
    )
    return Malformed("headers", f"PUT /b/k HTTP/1.1\r\nHost: {host}\r\n{wrong}\r\n\r\n".encode(), chance.random() < 0.5)


def _lying_chunks(aws: LocalAws, chance: random.Random) -> Malformed:
    signed = chance.random() < 0.5
    body = chance.choice(
        [b"FFFFFFFFFFFF\r\n", b"-1\r\n", b"5\r\nhello!\r\n", b"zz\r\n", b"5\r\nhel", b"0x5\r\nhello\r\n0\r\n\r\n"]
    )
    if not signed:
        return Malformed("chunks", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    service = chance.choice(["s3", "sqs"])
    return _signed(aws, "chunks, signed", service, "PUT", "/b/k", body, {"Transfer-Encoding": "chunked"})


def _signed_json(aws: LocalAws, chance: random.Random) -> Malformed:
    service = chance.choice(list(JSON_TARGETS))
    target = chance.choice([*JSON_TARGETS[service], "Nonsense", f"{chance.random()}."])
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    return _signed(aws, f"{service} {target}", service, "POST", "/", _json(chance), headers)


def _json(chance: random.Random) -> bytes:
    name = chance.choice(["TrainingJobName", "ResourceArn", "logGroupName", "QueueUrl", "QueueName", "Name", "Entries"])
    values: list[Any] = [None, 1, -1, 1e300, "", "\ud800", "x" * 70_000, [], {}, [[]], {"a": {}}, [None], True]
    return chance.choice(
        [
            b"",
            b"{",
            b"null",
            b"[]",
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"\xff\xfe{}",
            b'{"a": NaN, "b": 1' + b"0" * 5000 + b"}",
            json.dumps({name: chance.choice(values)}).encode(),
            json.dumps({key: chance.choice(values) for key in ("Name", "QueueName", "MessageBody", name)}).encode(),
            chance.randbytes(200),
        ]
    )


def _signed_query(aws: LocalAws, chance: random.Random) -> Malformed:
    service = chance.choice(list(QUERY_ACTIONS))
    action = chance.choice(QUERY_ACTIONS[service])
    rest = chance.choice(
        [b"", b"&RoleName", b"&A.member.x.y=1", b"&QueueName=%ff%00", b"&x=" + chance.randbytes(50), b"&&=&="]
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return _signed(aws, f"{service} {action}", service, "POST", "/", f"Action={action}".encode() + rest, headers)


def _signed_s3(aws: LocalAws, chance: random.Random) -> Malformed:
    key = chance.choice(["", "/k", "/../../k", "//k", "/%00", "/%ff", "/" + "k" * 3000, "/" + quote("ä/ b")])
    path = f"/{chance.choice([aws.bucket, 'no-such-bucket', '%2e%2e', 'B'])}{key}{chance.choice(S3_QUERIES)}"
    body = chance.choice([b"", b"<", b"<a/>", b"<Delete><Object/></Delete>", b"\xff\xfe", chance.randbytes(300)])
    headers = chance.choice(
        [
            {},
            {"x-amz-copy-source": chance.choice(["", "/", "nowhere", "%ff/%00", f"{aws.bucket}/no?versionId=x"])},
            {"Range": chance.choice(["bytes=9-1", "bytes=x", "lines=1-2", "bytes="])},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"x-amz-tagging": "=&=&a", "x-amz-acl": "nonsense"},
            {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "-9"},
            {"x-amz-content-sha256": "nonsense"},
        ]
    )
    return _signed(aws, f"s3 {path[:80]} {headers}", "s3", chance.choice(METHODS), path, body, headers)


def _signed_rest(aws: LocalAws, chance: random.Random) -> Malformed:
    service, path = chance.choice(
        [
            ("lambda", "/2015-03-31/functions/"),
            ("lambda", "/2015-03-31/functions/no/invocations"),
            ("lambda", "/2015-03-31/functions/%00/code"),
            ("sagemaker", "/endpoints/no/invocations"),
            ("sagemaker", "/endpoints/"),
            ("nonsense", "/"),
            ("execute-api", "/x"),
            ("moto-api", "/moto-api/reset"),
        ]
    )
    method = chance.choice(METHODS)
    return _signed(aws, f"{service} {method} {path}", service, method, path, _json(chance), {})


def _signed(  # noqa: PLR0917
    aws: LocalAws, what: str, service: str, method: str, path: str, body: bytes, headers: dict[str, str]
) -> Malformed:
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest

    plain = "Transfer-Encoding" in headers
    request = AWSRequest(method, aws.endpoint_url + path, data=b"" if plain else body, headers=headers)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(aws.session().get_credentials(), service, aws.region)
    if "x-amz-content-sha256" in headers:
        signer.payload = lambda _request: headers["x-amz-content-sha256"]
    elif plain:
        signer.payload = lambda _request: "UNSIGNED-PAYLOAD"
    signer.add_auth(request)
    sent = {"Host": urlsplit(aws.endpoint_url).netloc, **dict(request.headers.items())}
    if not plain:
        sent["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return Malformed(what, "\r\n".join(lines).encode() + body)


def send(aws: LocalAws, request: Malformed) -> int:
    """The status of the response; 0 if the connection is just closed."""
    with socket.create_connection(("127.0.0.1", urlsplit(aws.endpoint_url).port or 0), timeout=ANSWER_S) as connection:
        answer = b""
        try:
            connection.sendall(request.content)
            if request.ends:
                connection.shutdown(socket.SHUT_WR)
            while len(answer) < 12 and (came := connection.recv(4096)):
                answer += came
        except ConnectionError:
            pass
    words = answer.split()
    return int(words[1]) if len(words) > 1 and answer.startswith(b"HTTP/") and words[1].isdigit() else 0


def bombard(aws: LocalAws, count: int, seed: int) -> Outcome:
    """Send ``count`` requests, several at once."""
    import psutil

    outcome, server = Outcome(), psutil.Process(aws.pid)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(requests(aws, count, seed))
        first = max(1, count // 10)
        before = 0
        for part in (made[:first], made[first:]):
            for request, status in zip(part, pool.map(lambda item: send(aws, item), part), strict=True):
                outcome.answers[status] += 1
                if status >= 500:
                    outcome.wrong.append((status, request))
            before, outcome.growth = server.memory_info().rss, server.memory_info().rss - before
    return outcome


def main() -> int:
    """Print the outcome; exit code 1 for a wrong response or for growing memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        aws = local_aws.start(Path(folder))
        try:
            outcome = bombard(aws, chosen.count, chosen.seed)
        finally:
            local_aws.stop(Path(folder))
    print(f"answers: {dict(sorted(outcome.answers.items()))}")
    print(f"memory: {outcome.growth / 2**20:+.1f} MiB")
    for status, request in outcome.wrong[:20]:
        print(f"{status}: {request.what}: {request.content[-200:]!r}")
    return int(bool(outcome.wrong) or outcome.growth > MAX_GROWTH)


if __name__ == "__main__":
    raise SystemExit(main())
