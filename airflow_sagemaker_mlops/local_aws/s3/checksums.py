"""Verifies the checksums that a client sends with an S3 object: refuses a body that does not match, as AWS does.

CRC32C and CRC64NVME are not verified, because the standard library has neither.
Source: "Checking object integrity", Amazon S3 User Guide.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import AwsError

_COMPUTED: dict[str, Callable[[bytes], bytes]] = {
    "HTTP_X_AMZ_CHECKSUM_CRC32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "HTTP_X_AMZ_CHECKSUM_SHA1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "HTTP_X_AMZ_CHECKSUM_SHA256": lambda body: hashlib.sha256(body).digest(),
}


def check(environ: Mapping[str, Any], body: bytes) -> None:
    """Raise :class:`AwsError` if a stated checksum does not match the body of an S3 request."""
    stated = environ.get("HTTP_CONTENT_MD5")
    if stated is not None and not _matches(stated, hashlib.md5(body, usedforsecurity=False).digest()):
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")
    if environ["REQUEST_METHOD"] != "PUT":
        return  # the checksum may be that of a whole multipart object, for example, and not of this body
    for name, computed in _COMPUTED.items():
        stated = environ.get(name)
        if stated is not None and not _matches(stated, computed(body)):
            kind = name.rpartition("_")[2]
            raise AwsError("BadDigest", f"The {kind} you specified did not match the calculated checksum.")


def _matches(stated: str, digest: bytes) -> bool:
    try:
        return hmac.compare_digest(base64.b64decode(stated, validate=True), digest)
    except (binascii.Error, ValueError):
        return False
