"""Checks AWS request signatures: the caller that a request claims, and whether the claim is true.

Covers Signature Version 4 in the ``Authorization`` header and in the query (presigned URLs), and S3's older presigned
URLs, which boto3 still generates in us-east-1.  Source: "Create a signed AWS API request" in the IAM user guide; the
tests compare it with botocore's signers.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from posixpath import normpath
from typing import Literal
from urllib.parse import quote, unquote

from .errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-"  # prefix of the payload hash of an aws-chunked body
MAX_SKEW = timedelta(minutes=15)
MAX_EXPIRY_S = 7 * 24 * 3600
_SCOPE = re.compile(r"^([^/,\s]+)/(\d{8})/([a-z0-9-]{1,64})/([A-Za-z0-9.-]{1,64})/aws4_request$")
_TIME = "%Y%m%dT%H%M%SZ"
_HEX = re.compile(r"^[0-9a-f]{64}$")
# Query parameters that the older S3 signature covers: "Signing and authenticating REST requests", Amazon S3.
_SUB_RESOURCES = frozenset(
    (
        *("accelerate", "acl", "cors", "defaultObjectAcl", "location", "logging", "partNumber", "policy"),
        *("requestPayment", "torrent", "versioning", "versionId", "versions", "website", "uploads", "uploadId"),
        *("response-content-type", "response-content-language", "response-expires", "response-cache-control"),
        *("response-content-disposition", "response-content-encoding", "delete", "lifecycle", "tagging", "restore"),
        *("storageClass", "notification", "replication", "analytics", "metrics", "inventory", "select"),
        *("select-type", "object-lock"),
    )
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that a signature can cover, as they were sent.

    target    path and query, percent-encoded
    headers   by lower-case name; commas join the values of a repeated header
    """

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path, percent-encoded."""
        return self.target.partition("?")[0] or "/"

    @property
    def query(self) -> list[tuple[str, str]]:
        """The names and values of the query, decoded."""
        parts = [part.partition("=") for part in self.target.partition("?")[2].split("&") if part]
        return [(unquote(name), unquote(value)) for name, _, value in parts]


@dataclass(frozen=True, slots=True)
class Claim:
    """The caller that a request claims to come from.

    kind       "header" or "query" for version 4, "s3-query" for S3's older presigned URLs
    names      the signed headers
    expires_s  of a presigned URL: seconds after ``time``; of an older one: the epoch second of its expiry
    """

    kind: Literal["header", "query", "s3-query"]
    key: str
    region: str
    service: str
    scope: str = ""
    time: str = ""
    names: tuple[str, ...] = ()
    signature: str = ""
    expires_s: int = 0


def read_claim(request: SignedRequest) -> Claim | None:
    """The claim of a request; ``None`` for a request without a supported signature."""
    header = request.headers.get("authorization", "")
    if header.startswith(ALGORITHM):
        fields = dict(part.strip().partition("=")[::2] for part in header[len(ALGORITHM) :].split(","))
        named = {f"X-Amz-{name}": value for name, value in fields.items()}
        return _claim("header", named | {"X-Amz-Date": request.headers.get("x-amz-date", "")})
    query = dict(request.query)
    if "X-Amz-Credential" in query and query.get("X-Amz-Algorithm") == ALGORITHM:
        return _claim("query", query)
    if "AWSAccessKeyId" in query:
        key, given = query["AWSAccessKeyId"], query.get("Signature", "")
        return Claim("s3-query", key, "us-east-1", "s3", signature=given, expires_s=_number(query.get("Expires")))
    return None


def authorization_header(claim: Claim) -> str:
    """An ``Authorization`` header from which moto, which checks no signatures, reads the service and the region."""
    return f"{ALGORITHM} Credential={claim.key}/{claim.scope}, SignedHeaders=host, Signature=0"


def _claim(kind: Literal["header", "query"], given: Mapping[str, str]) -> Claim | None:
    match = _SCOPE.match(given.get("X-Amz-Credential", ""))
    if match is None:
        return None
    key, date, region, service = match.groups()
    return Claim(
        kind,
        key,
        region,
        service,
        scope=f"{date}/{region}/{service}/aws4_request",
        time=given.get("X-Amz-Date", ""),
        names=tuple(given.get("X-Amz-SignedHeaders", "").split(";")),
        signature=given.get("X-Amz-Signature", ""),
        expires_s=_number(given.get("X-Amz-Expires")),
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else 0


def session_token(request: SignedRequest) -> str:
    """The session token of a request, from its header or its query; empty if it has none."""
    name = "x-amz-security-token"
    parameters = {key.lower(): value for key, value in request.query}
    return request.headers.get(name) or parameters.get(name, "")


def unsupported_signature(request: SignedRequest) -> str:
    """A sentence about a request whose kind of signature is not supported; empty for any other request."""
    if request.headers.get("authorization", "").startswith("AWS "):
        return "Signature Version 2 in the Authorization header is not supported. Sign with version 4 (s3v4)."
    if request.method == "POST" and request.headers.get("content-type", "").startswith("multipart/form-data"):
        return "Forms with a signed policy (presigned POST) are not supported. Use a presigned URL for PutObject."
    return ""


def check_headers(claim: Claim, request: SignedRequest) -> None:
    """Raise :class:`AwsError` for headers that the signature of a presigned URL does not cover.

    Whoever has a URL can send any header with it.  As on S3, the headers that AWS reads must be signed: an additional
    one could copy another object or call another operation.
    """
    if claim.kind == "header":
        return
    if "authorization" in request.headers:
        raise AwsError("InvalidArgument", "Only one auth mechanism allowed: the query or the Authorization header.")
    if claim.kind == "query":  # an older signature covers all of them
        signed = {*claim.names, "x-amz-content-sha256"}
        unsigned = sorted(name for name in request.headers if name.startswith("x-amz-") and name not in signed)
        if unsigned:
            what = f"There were headers present in the request which were not signed: {', '.join(unsigned)}"
            raise AwsError("AccessDenied", what[:300], 403)


def check_time(claim: Claim, now: datetime) -> None:
    """Raise :class:`AwsError` for a signature that has expired or is from the future."""
    if claim.kind == "s3-query":
        if now.timestamp() > claim.expires_s:
            raise AwsError("AccessDenied", "Request has expired", 403)
        return
    try:
        signed = datetime.strptime(claim.time, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise _refused(
            "The time of the request (X-Amz-Date) is missing or does not have the form 20260131T235959Z."
        ) from None
    if claim.time[:8] != claim.scope[:8]:
        raise _refused(f"The request is dated {claim.time[:8]}, but its credential scope {claim.scope[:8]}.")
    if claim.kind == "query":
        if not 0 < claim.expires_s <= MAX_EXPIRY_S:
            raise _refused(f"X-Amz-Expires must be a number of seconds from 1 to {MAX_EXPIRY_S}.")
        if now > signed + timedelta(seconds=claim.expires_s):
            raise AwsError("AccessDenied", "Request has expired", 403)
        if signed > now + MAX_SKEW:
            raise _refused(f"The request was signed for {claim.time}, but it is {now:{_TIME}} now.")
    elif abs(now - signed) > MAX_SKEW:
        raise AwsError(
            "RequestTimeTooSkewed" if claim.service == "s3" else "InvalidSignatureException",
            f"Signature expired: the request was signed at {claim.time}, but it is {now:{_TIME}} now.",
            403,
        )


def payload_hash(claim: Claim, request: SignedRequest) -> str | None:
    """The payload hash that the request states; ``None`` if it has to be computed from the body."""
    stated = request.headers.get("x-amz-content-sha256")
    if claim.kind == "s3-query":
        return UNSIGNED
    if stated is not None:
        return stated
    return UNSIGNED if claim.kind == "query" and claim.service == "s3" else None


def check(claim: Claim, request: SignedRequest, secret: str, payload: str) -> None:
    """Raise :class:`AwsError` unless ``secret`` signed the request with the payload hash ``payload``."""
    if claim.kind == "s3-query":
        texts = {_string_to_sign_v2(claim, request, kind) for kind in (request.headers.get("content-type", ""), "")}
        expected = [base64.b64encode(hmac.new(secret.encode(), t, hashlib.sha1).digest()).decode() for t in texts]
    else:
        if "host" not in claim.names:
            raise _refused("The host header is not signed.")
        key = _signing_key(secret, claim.scope)
        strings = {_string_to_sign(claim, request, path, payload) for path in _paths(claim, request)}
        expected = [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in strings]
    if not any(hmac.compare_digest(found.encode(), claim.signature.encode()) for found in expected):
        raise _refused(
            "The request signature we calculated does not match the signature you provided."
            " Check your AWS Secret Access Key and signing method.",
            "SignatureDoesNotMatch" if claim.service == "s3" else "InvalidSignatureException",
        )


def check_payload(payload: str, body: bytes) -> None:
    """Raise :class:`AwsError` if the stated hash is not the hash of the body."""
    if payload == UNSIGNED or payload.startswith(STREAMING):
        return
    if not _HEX.match(payload) or not hmac.compare_digest(hashlib.sha256(body).hexdigest(), payload):
        raise AwsError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' does not match the body.")


def chunk_checker(claim: Claim, secret: str, payload: str) -> Callable[[bytes | memoryview, str, bool], None]:
    """A function that checks the signatures of an ``aws-chunked`` body: of each chunk in order, then of the trailers.

    Each signature covers the previous one.  The function does nothing if ``payload`` states that chunks are unsigned.
    Source: "Signature calculations: transferring payload in multiple chunks" and "... with trailing headers".
    """
    before, key = claim.signature, _signing_key(secret, claim.scope)

    def check_chunk(content: bytes | memoryview, given: str, is_trailer: bool) -> None:
        nonlocal before
        if not payload.startswith(f"{STREAMING}{ALGORITHM}"):
            return
        if is_trailer and not payload.endswith("-TRAILER"):
            return
        texts = (hashlib.sha256(part).hexdigest() for part in ((content,) if is_trailer else (b"", content)))
        kind = "TRAILER" if is_trailer else "PAYLOAD"
        text = "\n".join((f"{ALGORITHM}-{kind}", claim.time, claim.scope, before, *texts))
        before = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(before.encode(), given.encode()):
            what = "the trailers" if is_trailer else "a chunk"
            raise _refused(f"The signature of {what} of the body does not match.", "SignatureDoesNotMatch")

    return check_chunk


def _refused(message: str, code: str = "InvalidSignatureException") -> AwsError:
    return AwsError(code, message, 403)


@functools.lru_cache(maxsize=64)
def _signing_key(secret: str, scope: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _paths(claim: Claim, request: SignedRequest) -> list[str]:
    """The possible forms of the signed path: S3 signs it encoded once, and clients encode differently; others twice."""
    path = request.path
    if claim.service == "s3":
        return [path, quote(unquote(path), safe="/-_.~")]
    folded = normpath(path) + ("/" if path.endswith("/") and path != "/" else "")
    folded = f"/{folded.lstrip('/')}"
    return [quote(folded, safe="/-_.~"), quote(path, safe="/-_.~")]


def _string_to_sign(claim: Claim, request: SignedRequest, path: str, payload: str) -> str:
    """The string to sign."""
    pairs = [(name, value) for name, value in request.query if claim.kind == "header" or name != "X-Amz-Signature"]
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in claim.names]
    canonical = "\n".join(
        (
            request.method,
            path,
            "&".join(f"{name}={value}" for name, value in encoded),
            "".join(headers),
            ";".join(claim.names),
            payload,
        )
    )
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return "\n".join((ALGORITHM, claim.time, claim.scope, digest))


def _string_to_sign_v2(claim: Claim, request: SignedRequest, content_type: str) -> bytes:
    """The string to sign of S3's older presigned URLs.

    The caller also tries an empty ``content_type``, because curl and urllib add an unsigned one; it has no effect here.
    """
    query = dict(request.query)
    found = {name: value.strip() for name, value in request.headers.items() if name.startswith("x-amz-")}
    found |= {name.lower(): value.strip() for name, value in query.items() if name.lower().startswith("x-amz-")}
    amz = "".join(f"{name}:{found[name]}\n" for name in sorted(found))
    parameters = sorted((name, value) for name, value in request.query if name in _SUB_RESOURCES)
    resource = request.path
    if parameters:
        resource += "?" + "&".join(f"{name}={value}" if value else name for name, value in parameters)
    md5 = request.headers.get("content-md5") or query.get("content-md5", "")
    kind = content_type or query.get("content-type", "")
    return f"{request.method}\n{md5}\n{kind}\n{claim.expires_s}\n{amz}{resource}".encode("utf-8", "surrogateescape")
