"""Serializes an error in the protocol that the client parses: json, cbor, rest-json, query, ec2 or rest-xml."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from .api_call import Protocol
from .errors import AwsError
from .moto_backend import Reply

REQUEST_ID = "00000000-0000-0000-0000-000000000000"


def error_reply(protocol: Protocol, error: AwsError) -> Reply:
    """The reply that makes the client raise ``error``."""
    if protocol in ("json", "rest-json"):
        body = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
        kind = "application/x-amz-json-1.1" if protocol == "json" else "application/json"
        headers = [("Content-Type", kind), ("x-amzn-ErrorType", error.code)]
        return Reply(error.status, headers, json.dumps(body).encode())
    if protocol == "cbor":
        members = {"__type": error.code, "message": error.message, **error.members}
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        return Reply(error.status, headers, cbor(members))
    code, message = escape(error.code), escape(error.message)
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if protocol == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
    elif protocol == "query":
        fault = "Sender" if error.status < 500 else "Receiver"
        inner = f"<Type>{fault}</Type>{inner}"
        text = f"<ErrorResponse><Error>{inner}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    else:
        text = f"<Error>{inner}<RequestId>{REQUEST_ID}</RequestId></Error>"
    return Reply(error.status, [("Content-Type", "text/xml")], text.encode())


def cbor(value: object) -> bytes:
    """``value`` in CBOR (RFC 8949); supports mappings, strings and integers, which is all that errors contain."""
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    text = str(value).encode()
    return _head(3, len(text)) + text


def _head(major: int, size: int) -> bytes:
    if size < 24:
        return bytes([major << 5 | size])
    width = next(width for width in (1, 2, 4, 8) if size < 1 << 8 * width)
    return bytes([major << 5 | 23 + width.bit_length()]) + size.to_bytes(width, "big")
