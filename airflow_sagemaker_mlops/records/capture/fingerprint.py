"""The fingerprint of an S3 location: object count, size, and a hash over its sorted listing.

No content is read.  A line of the listing is ``key<TAB>ETag<TAB>size<TAB>version<LF>``, with keys relative to the
location and sorted by UTF-8 bytes.  S3 lists in this order, so the listing is hashed as it arrives, in bounded memory.
The hash covers lines without versions: equal folders in two places, or written twice, have equal hashes.
An ETag changes with the content; for multipart uploads, also with the size of the parts.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Any

from ...s3 import S3Client, pages, split_uri
from ..model.step_record import Artifact
from ..store.keys import content_key
from ..store.listing import Line
from ..store.protocol import Store
from ..store.s3 import reason_of

IN_MEMORY = 1_048_576  # bytes of a listing; a longer one goes to a temporary file
MAX_KEPT = 8_388_608  # bytes of a stored listing; of a longer one, only the hash is stored
MAX_OLD = 20_000  # old versions to list in search of the current ones: twenty calls


class LongHistory(Exception):
    """There are too many old versions to search for the current ones."""


def fingerprint(
    client: S3Client, artifact: Artifact, *, versions: bool = False, store: Store | None = None, dag_id: str = ""
) -> Artifact:
    """``artifact`` with the fingerprint of its URI now, or with ``problem`` if that cannot be listed.  Blocking.

    Counts every object whose key begins with the prefix, as SageMaker reads it.  One call per thousand objects.

    versions   also list version ids, if s3:ListBucketVersions is granted and there are not too many old versions
    store      store for the listing of several objects, under its hash, so that comparisons can name changed objects
    """
    if not artifact.uri.startswith("s3://"):
        return replace(artifact, problem="not in S3")
    bucket, prefix = split_uri(artifact.uri)
    problem = ""
    for lister in (current_versions, current_objects) if versions else (current_objects,):
        try:
            return _listed(artifact, lister(client, bucket, prefix), prefix, store, dag_id)
        except Exception as error:
            problem = reason_of(error)
    return replace(artifact, problem=problem)


def change_since(was: Artifact, now: Artifact) -> str:
    """How an artifact differs from what it ``was``, as a phrase; "" if it is unchanged."""
    if now.objects is None:
        return f"cannot be listed: {now.problem}"
    if not now.objects and was.objects != 0:
        return "is gone"
    return "was changed since" if was.sha256 and was.sha256 != now.sha256 else ""


@dataclass(slots=True)
class _Hashes:
    """Two hashes over the lines of a listing: without versions, and with them."""

    plain: Any = field(default_factory=hashlib.sha256)
    full: Any = field(default_factory=hashlib.sha256)
    versions: bool = False

    def add(self, line: Line) -> bytes:
        """Add ``line``; returns its text with the version."""
        text = line.as_bytes()
        self.full.update(text)
        self.plain.update(replace(line, version="").as_bytes() if line.version else text)
        self.versions = self.versions or bool(line.version)
        return text


def _listed(artifact: Artifact, objects: Iterator[Line], prefix: str, store: Store | None, dag_id: str) -> Artifact:
    count = size = 0
    only: Line | None = None
    last, sorted_so_far = b"", True
    hashes = _Hashes()
    listing = ""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
        for line in objects:
            count, size, only = count + 1, size + line.size, replace(line, key=line.key[len(prefix) :])
            name = line.key.encode()
            sorted_so_far, last = sorted_so_far and last <= name, name
            kept.write(hashes.add(only))
        if not sorted_so_far:  # directory buckets do not list in order
            hashes = _sort(kept)
        sha256 = hashes.plain.hexdigest()
        if store is not None and count > 1 and kept.tell() <= MAX_KEPT:
            kept.seek(0)
            full = hashes.full.hexdigest()
            store.create(content_key(dag_id, "listings", full, "tsv"), kept.read())
            listing = full if hashes.versions else ""
    single = only if count == 1 else None
    about = {"etag": single.etag, "version": single.version, "key": single.key} if single else {}
    problem = "" if count else "nothing there"
    return replace(artifact, objects=count, bytes=size, sha256=sha256, listing=listing, problem=problem, **about)


def _sort(kept: IO[bytes]) -> _Hashes:
    kept.seek(0)
    lines = sorted(kept.readlines())
    kept.seek(0)
    kept.writelines(lines)
    hashes = _Hashes()
    for text in lines:
        hashes.add(Line.from_text(text.decode()))
    return hashes


def current_objects(client: S3Client, bucket: str, prefix: str) -> Iterator[Line]:
    """All objects with this prefix, without versions."""
    for page in pages(client.list_objects_v2, Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield Line(item["Key"], item["ETag"].strip('"'), item["Size"])


def current_versions(client: S3Client, bucket: str, prefix: str) -> Iterator[Line]:
    """All objects with versions.  Raises :class:`LongHistory` for more than :data:`MAX_OLD` old versions."""
    old = 0
    for line, is_current in every_version(client, bucket, prefix):
        if is_current:
            yield line
        else:
            old += 1
            if old > MAX_OLD:
                raise LongHistory(f"more than {MAX_OLD} old versions")


def every_version(client: S3Client, bucket: str, prefix: str) -> Iterator[tuple[Line, bool]]:
    """All versions of all objects with this prefix, each with whether it is the current one.

    An object that was written without versioning has the version "".
    """
    for page in pages(client.list_object_versions, Bucket=bucket, Prefix=prefix):
        for item in page.get("Versions", []):
            version = item.get("VersionId") or ""
            line = Line(item["Key"], item["ETag"].strip('"'), item["Size"], "" if version == "null" else version)
            yield line, bool(item.get("IsLatest"))
