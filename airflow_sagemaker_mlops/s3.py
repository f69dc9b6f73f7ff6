"""S3 for every room: URIs, the client's calls, conditional writes and listings.  Imports no boto3.

Creating uses ``If-None-Match: *`` and replacing uses ``If-Match``, both in S3 since 2024, so two concurrent writers of
one key cannot both succeed.  Reads and listings in S3 are strongly consistent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from .aws_errors import error_code

if TYPE_CHECKING:
    from .json_types import AwsShape

ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
DENIED = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled"})
_TAKEN = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
NEW = MappingProxyType({"IfNoneMatch": "*"})  # condition of a write: there is no such object
_NO_CONDITION: Mapping[str, str] = MappingProxyType({})
# request member for the next page -> response member that holds it
_MARKS = {
    "ContinuationToken": "NextContinuationToken",  # list_objects_v2
    "KeyMarker": "NextKeyMarker",  # list_object_versions, together with the next
    "VersionIdMarker": "NextVersionIdMarker",
}


class S3Client(Protocol):
    """The part of boto3's S3 client that this package calls; members as in the API reference."""

    def get_object(self, **members: object) -> AwsShape:
        """An object and its content."""

    def head_object(self, **members: object) -> AwsShape:
        """An object without its content."""

    def put_object(self, **members: object) -> AwsShape:
        """Write an object."""

    def delete_object(self, **members: object) -> AwsShape:
        """Delete an object."""

    def list_objects_v2(self, **members: object) -> AwsShape:
        """A page of a listing."""

    def list_object_versions(self, **members: object) -> AwsShape:
        """A page of a listing with versions."""

    def head_bucket(self, **members: object) -> AwsShape:
        """A bucket."""

    def copy_object(self, **members: object) -> AwsShape:
        """Copy an object of up to 5 GB within S3."""

    def copy(self, source: Mapping[str, str], bucket: str, key: str, /) -> None:
        """Copy an object of any size within S3."""

    def upload_file(self, file: str, bucket: str, key: str, /) -> None:
        """Write an object from a file of any size."""

    def download_file(self, bucket: str, key: str, file: str, /) -> None:
        """Write an object into a file."""


def split_uri(uri: str) -> tuple[str, str]:
    """``s3://bucket/key`` -> (bucket, key); the key is "" for a bucket alone."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def is_absent(error: BaseException) -> bool:
    """Whether the error says that there is no such object."""
    return error_code(error) in ABSENT


def put(
    client: S3Client,
    bucket: str,
    key: str,
    body: bytes,
    condition: Mapping[str, str] = _NO_CONDITION,
    **members: object,
) -> bool:
    """Write an object; ``False`` if the condition does not hold.  Raises all other errors of PutObject.

    condition   :data:`NEW`, or {"IfMatch": ETag of the object to replace}
    members     other members of the request
    """
    try:
        client.put_object(Bucket=bucket, Key=key, Body=body, **members, **condition)
    except Exception as error:
        if condition and error_code(error) in _TAKEN | ABSENT:  # ABSENT: If-Match of a deleted object
            return False
        raise
    return True


def pages(listing: Callable[..., AwsShape], **members: str) -> Iterator[AwsShape]:
    """All pages of ``listing``, a client's ``list_objects_v2`` or ``list_object_versions``.

    boto3's paginators are too slow for this: before the first one, a client scans the data folders of all services,
    which takes longer than most listings.
    """
    marks: dict[str, str] = {}
    while True:
        answer = listing(**members, **marks)
        yield answer
        marks = {mark: answer[answered] for mark, answered in _MARKS.items() if answer.get(answered)}
        if not answer.get("IsTruncated") or not marks:
            return
