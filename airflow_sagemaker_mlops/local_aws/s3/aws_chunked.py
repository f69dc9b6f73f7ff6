"""Bodies in S3's ``aws-chunked`` coding: parts with their lengths, signatures and checksums between them.

Source: "Signature calculations: transferring payload in multiple chunks" and "Using trailing checksums", Amazon S3 API.
The signatures of the single parts are not checked: the request's own was, and it names this coding.
"""

from __future__ import annotations

import re

from ..errors import AwsError

CODING = "aws-chunked"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_TRAILER = re.compile(rb"(x-amz-[a-z0-9-]+)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?\n")


def decoded(body: bytes, length: str | None) -> tuple[bytes, dict[str, str]]:
    """The content and the trailers.  Raises :class:`AwsError` for a body that is not in this coding, or not whole."""
    content, at = bytearray(), 0
    while True:
        match = _SIZE.match(body, at)
        if match is None:
            raise _broken("a part does not begin with its length")
        size, at = int(match[1], 16), match.end()
        if size == 0:
            break
        if at + size > len(body):
            raise _broken("a part is shorter than it was said to be")
        content += memoryview(body)[at : at + size]
        at += size
        end = 2 if body.startswith(b"\r\n", at) else int(body.startswith(b"\n", at))
        if not end:
            raise _broken("a part is longer than it was said to be")
        at += end
    if length is not None and length.strip() != str(len(content)):
        raise _broken(f"it holds {len(content)} bytes, and x-amz-decoded-content-length is {length[:40]}")
    trailers = {name.decode(): value.decode("latin1") for name, value in _TRAILER.findall(body, at)}
    return bytes(content), trailers


def other_codings(content_encoding: str) -> str:
    """``Content-Encoding`` as it is kept: without the coding of the transfer."""
    return ",".join(part.strip() for part in content_encoding.split(",") if part.strip().lower() != CODING)


def _broken(why: str) -> AwsError:
    return AwsError("IncompleteBody", f"The body is not as aws-chunked bodies are: {why}.")
