"""Records in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...aws_errors import error_code
from ...json_types import AwsShape
from ...s3 import DENIED, NEW, S3Client, is_absent, pages, put
from ..model.errors import StoreUnavailable
from .protocol import MAX_BYTES, Stored, too_large


@dataclass(frozen=True, slots=True)
class S3Store:
    """:class:`Store` over a boto3 S3 client.  ``prefix`` is "" or without slashes at its ends."""

    client: S3Client
    bucket: str
    prefix: str = ""

    @property
    def base(self) -> str:
        """The location."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, key: str) -> Stored | None:
        """The object; ``None`` if the key does not exist."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self._key(key))
            if answer["ContentLength"] > MAX_BYTES:
                raise ValueError(too_large(answer["ContentLength"]))
            return Stored(answer["Body"].read(), answer["ETag"])
        except Exception as error:
            if is_absent(error):
                return None
            raise self._refused("read", key, error) from error

    def create(self, key: str, data: bytes) -> bool:
        """Write a new object; ``False`` if the key exists."""
        return self._put(key, data, NEW)

    def replace(self, key: str, data: bytes, tag: str | None) -> bool:
        """Replace the object that has ``tag``."""
        return self._put(key, data, NEW if tag is None else {"IfMatch": tag})

    def write(self, key: str, data: bytes) -> None:
        """Write, replacing any existing object."""
        self._put(key, data, {})

    def delete(self, key: str) -> None:
        """Delete the object, if it exists."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=self._key(key))
        except Exception as error:
            raise self._refused("delete", key, error) from error

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys with this prefix in S3's order, by UTF-8 bytes."""
        cut = len(self._key(""))
        for page in self._pages(Prefix=self._key(prefix)):
            yield from (item["Key"][cut:] for item in page.get("Contents", []))

    def folders(self) -> Iterator[str]:
        """The first segments below the base."""
        cut = len(self._key(""))
        for page in self._pages(Prefix=self._key(""), Delimiter="/"):
            yield from (item["Prefix"][cut:].rstrip("/") for item in page.get("CommonPrefixes", []))

    def _put(self, key: str, data: bytes, condition: Mapping[str, str]) -> bool:
        try:
            return put(self.client, self.bucket, self._key(key), data, condition, ContentType="application/json")
        except Exception as error:
            raise self._refused("write", key, error) from error

    def _pages(self, **members: str) -> Iterator[AwsShape]:
        try:
            yield from pages(self.client.list_objects_v2, Bucket=self.bucket, **members)
        except Exception as error:
            raise self._refused("list", members["Prefix"].removeprefix(self._key("")), error) from error

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _refused(self, what: str, key: str, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"cannot {what} s3://{self.bucket}/{self._key(key)}: {reason_of(error)}.")


def reason_of(error: Exception) -> str:
    """Why a call to S3 failed, as part of a sentence."""
    code = error_code(error)
    if code in DENIED:
        return f"access denied ({code}); the identity needs s3:GetObject, s3:PutObject and s3:ListBucket there"
    if code == "NoSuchBucket":
        return "there is no such bucket (NoSuchBucket)"
    return f"{error}".rstrip(".") or type(error).__name__
