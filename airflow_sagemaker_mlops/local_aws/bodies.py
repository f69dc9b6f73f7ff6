"""Bodies of requests: checked against their signature, decoded, and read as JSON."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from . import signature
from .connections import IncomingRequest
from .errors import AwsError
from .moto_backend import Environ
from .s3 import aws_chunked, checksums
from .signature import Claim

MAX_S3_BODY = 5 << 30  # bytes of one PUT, as on AWS
MAX_BODY = 128 << 20  # bytes of any other body: a function's code is sent in base64


def read_body(environ: Environ, incoming: IncomingRequest, caller: Claim, secret: str) -> bytes:
    """The signed body of a request.  If the headers state its hash, checks the signature before reading the body."""
    stated = signature.payload_hash(caller, incoming.signed)
    if stated is not None:
        signature.check(caller, incoming.signed, secret, stated)
    body = incoming.read(MAX_S3_BODY if caller.service == "s3" else MAX_BODY)
    if stated is None:
        signature.check(caller, incoming.signed, secret, hashlib.sha256(body).hexdigest())
    else:
        signature.check_payload(stated, body)
    if stated is not None and stated.startswith(signature.STREAMING):
        check_chunk = signature.chunk_checker(caller, secret, stated)
        body, trailers = aws_chunked.decoded(body, environ.get("HTTP_X_AMZ_DECODED_CONTENT_LENGTH"), check_chunk)
        environ.update({f"HTTP_{name.upper().replace('-', '_')}": value for name, value in trailers.items()})
        environ["HTTP_X_AMZ_CONTENT_SHA256"] = signature.UNSIGNED
        content_encoding = aws_chunked.other_codings(environ.pop("HTTP_CONTENT_ENCODING", ""))
        if content_encoding:
            environ["HTTP_CONTENT_ENCODING"] = content_encoding
    if caller.service == "s3":
        checksums.check(environ, body)
    return body


def read_json(body: bytes) -> dict[str, Any]:
    """The request of a JSON protocol.  Raises :class:`AwsError` for a body that is not a JSON object."""
    try:
        request = json.loads(body or b"{}", parse_constant=_no_number, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", f"The body of the request is not JSON: {error}.") from None
    if not isinstance(request, dict):
        raise AwsError("SerializationException", "The body of the request is not a JSON object.")
    return request


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text[:40]} is not a JSON number")
