"""S3's ListObjectVersions.

moto's own (5.2) copies every object of the bucket on each call, which is slow with records of a few thousand runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import escape

from ..moto_backend import Environ, Reply, s3_bucket

if TYPE_CHECKING:
    from moto.s3.models import FakeBucket

MAX_KEYS = 1000  # per page, as on AWS


def listed_versions(environ: Environ) -> Reply | None:
    """The answer to ``GET /bucket?versions``; ``None`` for any request that moto should answer."""
    query = parse_qs(str(environ.get("QUERY_STRING") or ""), keep_blank_values=True)
    name, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    if environ["REQUEST_METHOD"] != "GET" or "versions" not in query or key or "delimiter" in query:
        return None
    bucket = s3_bucket(name)
    if bucket is None:
        return None
    parameters = {word: values[0] for word, values in query.items()}
    limit = min(int(parameters.get("max-keys") or MAX_KEYS), MAX_KEYS)
    rest = _after(
        _entries(bucket, parameters.get("prefix", "")),
        parameters.get("key-marker"),
        parameters.get("version-id-marker"),
    )
    page = list(islice(rest, limit + 1))
    return Reply(
        200, [("Content-Type", "application/xml")], _page(name, parameters, page[:limit], len(page) > limit).encode()
    )


def _entries(bucket: FakeBucket, prefix: str) -> Iterator[tuple[str, Any, bool]]:
    """(key, version or delete marker, whether it is the latest), sorted by key, then newest first."""
    keys = [key for key in list(bucket.keys) if key.startswith(prefix)]
    for key in sorted(keys, key=str.encode):
        for at, version in enumerate(reversed(bucket.keys.getlist(key) or [])):
            yield key, version, at == 0


def _after(
    entries: Iterator[tuple[str, Any, bool]], key: str | None, version: str | None
) -> Iterator[tuple[str, Any, bool]]:
    """The entries after the last entry of the previous page."""
    if not key:
        yield from entries
        return
    past_marker = False
    for entry in entries:
        if entry[0].encode() > key.encode() or (entry[0] == key and past_marker):
            yield entry
        elif entry[0] == key and entry[1].version_id == version:
            past_marker = True


def _page(name: str, parameters: dict[str, str], page: list[tuple[str, Any, bool]], truncated: bool) -> str:
    def text(value: str) -> str:
        return quote(value) if parameters.get("encoding-type") == "url" else escape(value)

    parts = [f"<Name>{escape(name)}</Name><Prefix>{text(parameters.get('prefix', ''))}</Prefix>"]
    parts += [f"<MaxKeys>{MAX_KEYS}</MaxKeys><IsTruncated>{str(truncated).lower()}</IsTruncated>"]
    if "encoding-type" in parameters:
        parts.append(f"<EncodingType>{escape(parameters['encoding-type'])}</EncodingType>")
    if truncated:
        key, version, _ = page[-1]
        parts.append(f"<NextKeyMarker>{text(key)}</NextKeyMarker>")
        parts.append(f"<NextVersionIdMarker>{escape(version.version_id)}</NextVersionIdMarker>")
    for key, version, is_latest in page:
        fields = (
            f"<Key>{text(key)}</Key><VersionId>{escape(version.version_id)}</VersionId>"
            f"<IsLatest>{str(is_latest).lower()}</IsLatest><LastModified>{version.last_modified_ISO8601}</LastModified>"
        )
        if hasattr(version, "etag"):
            size = f"<Size>{version.size}</Size><StorageClass>{version.storage_class}</StorageClass>"
            parts.append(f"<Version>{fields}<ETag>{escape(version.etag)}</ETag>{size}</Version>")
        else:
            parts.append(f"<DeleteMarker>{fields}</DeleteMarker>")
    return f'<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{"".join(parts)}</ListVersionsResult>'
