"""Decodes bodies in S3's ``aws-chunked`` coding: chunks with a length and a signature each, then checksums.

Source: "Signature calculations: transferring payload in multiple chunks" and "Using trailing checksums", Amazon S3 API.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..errors import AwsError

CODING = "aws-chunked"
Check = Callable[[bytes | memoryview, str, bool], None]
TRAILER_SIGNATURE = "x-amz-trailer-signature"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[ \t]*chunk-signature=([0-9a-f]{64})[ \t]*|;[^\r\n]*)?\r?\n")
_TRAILER = re.compile(rb"(x-amz-[a-z0-9-]+)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?\n")


def decoded(body: bytes, length: str | None, check: Check) -> tuple[bytes, dict[str, str]]:
    """The content and the trailers.  Raises :class:`AwsError` for a body that is incomplete or not in this coding.

    :param check: called with each chunk, its signature ("" if it has none) and whether it is the trailers; raises
        :class:`AwsError` for a wrong signature.
    """
    content, at = bytearray(), 0
    while True:
        match = _SIZE.match(body, at)
        if match is None:
            raise _broken("a chunk does not begin with its length")
        size, at = int(match[1], 16), match.end()
        if at + size > len(body):
            raise _broken("a chunk is shorter than its stated length")
        chunk = memoryview(body)[at : at + size]
        check(chunk, (match[2] or b"").decode(), False)
        if size == 0:
            break
        content += chunk
        at += size
        end = 2 if body.startswith(b"\r\n", at) else int(body.startswith(b"\n", at))
        if not end:
            raise _broken("a chunk is longer than its stated length")
        at += end
    if length is not None and length.strip() != str(len(content)):
        raise _broken(f"it contains {len(content)} bytes, but x-amz-decoded-content-length is {length[:40]}")
    trailers = {name.decode(): value.decode("latin1") for name, value in _TRAILER.findall(body, at)}
    signature = trailers.pop(TRAILER_SIGNATURE, "")
    signed = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
    check(signed.encode("latin1"), signature, True)
    return bytes(content), trailers


def other_codings(content_encoding: str) -> str:
    """The ``Content-Encoding`` to store: without ``aws-chunked``, which applies to the transfer only."""
    return ",".join(coding.strip() for coding in content_encoding.split(",") if coding.strip().lower() != CODING)


def _broken(why: str) -> AwsError:
    return AwsError("IncompleteBody", f"The body is not a valid aws-chunked body: {why}.")
