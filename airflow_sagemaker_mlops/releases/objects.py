"""S3 for releases: objects named after their content, and conditional writes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..aws_errors import error_code
from ..s3 import ABSENT, DENIED, NEW, S3Client, is_absent, pages, put, split_uri
from .errors import ReleaseError


@dataclass(frozen=True, slots=True)
class Stored:
    """An existing object.

    digest   the SHA-256 in its metadata; empty if there is none
    """

    etag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects below an S3 URI."""

    s3: S3Client
    base: str

    def uri(self, name: str) -> str:
        """The URI of an object."""
        return f"{self.base}/{name}"

    def head(self, name: str) -> Stored | None:
        """The object, without its content; ``None`` if there is none."""
        bucket, key = split_uri(self.uri(name))
        try:
            answer = self.s3.head_object(Bucket=bucket, Key=key)
        except Exception as error:
            if is_absent(error):
                return None
            raise self._denied(error, "read", name) from error
        return Stored(str(answer.get("ETag") or ""), str((answer.get("Metadata") or {}).get("sha256") or ""))

    def read(self, name: str, limit: int) -> tuple[bytes, str] | None:
        """Content and ETag; ``None`` if it does not exist.  Raises :class:`ReleaseError` above ``limit`` bytes."""
        bucket, key = split_uri(self.uri(name))
        try:
            answer = self.s3.get_object(Bucket=bucket, Key=key)
        except Exception as error:
            if error_code(error) in ABSENT | {"NoSuchBucket"}:
                return None
            raise self._denied(error, "read", name) from error
        if answer["ContentLength"] > limit:
            raise ReleaseError(f"{self.uri(name)} is too large: {answer['ContentLength']:,} bytes.")
        return answer["Body"].read(), str(answer["ETag"])

    def add(self, name: str, content: bytes) -> None:
        """Write an object that is named after its content, unless it exists."""
        self.write(name, content, NEW)

    def write(self, name: str, content: bytes, condition: Mapping[str, str]) -> bool:
        """Write an object; ``False`` if the condition does not hold, see :func:`~..s3.put`."""
        digest = hashlib.sha256(content)
        try:
            return put(
                self.s3,
                *split_uri(self.uri(name)),
                content,
                condition,
                Metadata={"sha256": digest.hexdigest()},
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
            )
        except Exception as error:
            raise self._denied(error, "written", name) from error

    def names(self, prefix: str) -> Iterator[str]:
        """Names of the objects that begin with ``prefix``, in order."""
        bucket, key = split_uri(self.base)
        try:
            for page in pages(self.s3.list_objects_v2, Bucket=bucket, Prefix=f"{key}/{prefix}" if key else prefix):
                for item in page.get("Contents") or []:
                    yield str(item["Key"])[len(key) + 1 if key else 0 :]
        except Exception as error:
            if error_code(error) != "NoSuchBucket":
                raise self._denied(error, "listed", prefix) from error

    def _denied(self, error: Exception, what: str, name: str) -> Exception:
        code = error_code(error)
        if code in DENIED:
            return ReleaseError(f"{self.uri(name)} cannot be {what}: AWS denies access with these credentials.")
        if code == "NoSuchBucket":
            return ReleaseError(f"The bucket of {self.base} does not exist. Create it, or correct the configuration.")
        return error


def has_bucket(s3: S3Client, bucket: str) -> bool:
    """Whether a bucket exists; true also if these credentials may not access it."""
    try:
        s3.head_bucket(Bucket=bucket)
    except Exception as error:
        if error_code(error) in ABSENT | {"NoSuchBucket"}:
            return False
        if error_code(error) not in DENIED:
            raise
    return True
