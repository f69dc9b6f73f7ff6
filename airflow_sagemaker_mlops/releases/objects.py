"""S3 as releases need it: objects named after their content, and objects that are written on a condition."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..aws_errors import error_code
from .errors import ReleaseError

_TAKEN = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that exists.

    digest   the SHA-256 that its writer noted in its metadata; empty if there is none
    """

    etag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects below an S3 URI."""

    s3: Any
    base: str

    def uri(self, name: str) -> str:
        """The URI of an object."""
        return f"{self.base}/{name}"

    def look(self, name: str) -> Stored | None:
        """The object, without its content; ``None`` if there is none."""
        bucket, key = split(self.uri(name))
        try:
            answer = self.s3.head_object(Bucket=bucket, Key=key)
        except Exception as error:
            if error_code(error) in _ABSENT:
                return None
            raise self._denied(error, "read", name) from error
        return Stored(str(answer.get("ETag") or ""), str((answer.get("Metadata") or {}).get("sha256") or ""))

    def read(self, name: str, most: int) -> tuple[bytes, str] | None:
        """Content and ETag; ``None`` if there is no such object.  Raises :class:`ReleaseError` above ``most`` bytes."""
        bucket, key = split(self.uri(name))
        try:
            answer = self.s3.get_object(Bucket=bucket, Key=key)
        except Exception as error:
            if error_code(error) in _ABSENT | {"NoSuchBucket"}:
                return None
            raise self._denied(error, "read", name) from error
        if answer["ContentLength"] > most:
            raise ReleaseError(f"{self.uri(name)} is too large: {answer['ContentLength']:,} bytes.")
        return answer["Body"].read(), str(answer["ETag"])

    def add(self, name: str, content: bytes) -> None:
        """Write an object that is named after its content, unless it exists."""
        self.write(name, content, IfNoneMatch="*")

    def write(self, name: str, content: bytes, **condition: str) -> bool:
        """Write an object; ``False`` if the condition does not hold, with the conditions of PutObject."""
        bucket, key = split(self.uri(name))
        digest = hashlib.sha256(content)
        try:
            self.s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=content,
                Metadata={"sha256": digest.hexdigest()},
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                **condition,
            )
        except Exception as error:
            if condition and error_code(error) in _TAKEN | _ABSENT and error_code(error) != "NoSuchBucket":
                return False
            raise self._denied(error, "written", name) from error
        return True

    def names(self, prefix: str) -> Iterator[str]:
        """Names of the objects that begin with ``prefix``, in order."""
        bucket, key = split(self.base)
        members: dict[str, Any] = {"Bucket": bucket, "Prefix": f"{key}/{prefix}" if key else prefix}
        while True:
            try:
                answer = self.s3.list_objects_v2(**members)
            except Exception as error:
                if error_code(error) == "NoSuchBucket":
                    return
                raise self._denied(error, "listed", prefix) from error
            for item in answer.get("Contents") or []:
                yield str(item["Key"])[len(key) + 1 if key else 0 :]
            if not answer.get("IsTruncated"):
                return
            members["ContinuationToken"] = answer["NextContinuationToken"]

    def _denied(self, error: Exception, what: str, name: str) -> Exception:
        code = error_code(error)
        if code in _DENIED:
            return ReleaseError(f"{self.uri(name)} cannot be {what}: AWS denies access with these credentials.")
        if code == "NoSuchBucket":
            return ReleaseError(f"The bucket of {self.base} does not exist. Create it, or correct the configuration.")
        return error


def has_bucket(s3: Any, bucket: str) -> bool:
    """Whether a bucket exists; one that these credentials may not look at does."""
    try:
        s3.head_bucket(Bucket=bucket)
    except Exception as error:
        if error_code(error) in _ABSENT | {"NoSuchBucket"}:
            return False
        if error_code(error) not in _DENIED:
            raise
    return True


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
