"""``s3://bucket/records``, ``file:///…`` or a folder -> :class:`Store`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...s3 import S3Client
from ..model.errors import StoreUnavailable
from .folder import FolderStore
from .protocol import Store
from .s3 import S3Store


def open_store(location: str, s3: Callable[[], S3Client]) -> Store:
    """The store at ``location``; ``s3`` returns the boto3 client, and is called only for S3 locations.

    Raises :class:`StoreUnavailable` for a location of another kind.
    """
    scheme, separator, rest = location.partition("://")
    if not separator:
        return FolderStore(Path(location).absolute())
    match scheme.lower():
        case "s3":
            bucket, _, prefix = rest.partition("/")
            if not bucket:
                raise StoreUnavailable(f'"{location}" names no bucket. Write s3://bucket/prefix.')
            return S3Store(s3(), bucket, prefix.strip("/"))
        case "file":
            return FolderStore(Path(unquote(urlsplit(location).path)))
        case _:
            raise StoreUnavailable(f'"{location}" is not a location for records. Use s3://bucket/prefix or a folder.')
