"""What was in an S3 location: count, size, and a hash over its sorted listing.

No content is read.  A line of the listing is ``key<TAB>ETag<TAB>size<TAB>version<LF>``, keys without the location
and sorted by their UTF-8 bytes, which is the order S3 lists in; so it is hashed while it is listed, in bounded memory.
Equal folders in two places have equal hashes.
An ETag changes with the content; for uploads in parts also with the size of the parts.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

from .fragment import Artifact
from .layout import content_key
from .s3_store import reason_of
from .store import Store

IN_MEMORY = 1_048_576  # bytes of a listing; what is longer goes through a temporary file
MOST_KEPT = 8_388_608  # bytes of a listing that is stored; of a longer one only the hash is


@dataclass(frozen=True, slots=True)
class Line:
    """One object of a listing."""

    key: str
    etag: str
    size: int
    version: str = ""

    def as_bytes(self) -> bytes:
        """As it is hashed.  Tabs and line feeds in keys are escaped, so that no two listings share a text."""
        key = self.key.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        return f"{key}\t{self.etag}\t{self.size}\t{self.version}\n".encode()


def fingerprint(
    client: Any, artifact: Artifact, *, versions: bool = False, keep_in: Store | None = None, dag_id: str = ""
) -> Artifact:
    """``artifact`` with what is at its URI now; with ``problem`` instead when that cannot be listed.  Blocking.

    As SageMaker reads a prefix: every object whose key begins with it.  One call for a thousand objects.

    versions   list version ids too; takes s3:ListBucketVersions, and passes over all old versions
    keep_in    store the listing of several objects under its hash there, so that a comparison can name what changed
    """
    if not artifact.uri.startswith("s3://"):
        return replace(artifact, problem="not in S3")
    bucket, _, prefix = artifact.uri.removeprefix("s3://").partition("/")
    try:
        return _listed(artifact, _objects(client, bucket, prefix, versions), prefix, keep_in, dag_id)
    except Exception as error:
        return replace(artifact, problem=reason_of(error))


def _listed(artifact: Artifact, objects: Iterator[Line], prefix: str, keep_in: Store | None, dag_id: str) -> Artifact:
    count = size = 0
    only: Line | None = None
    last, sorted_so_far = b"", True
    digest = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
        for line in objects:
            count, size, only = count + 1, size + line.size, line
            name = line.key.encode()
            sorted_so_far, last = sorted_so_far and last <= name, name
            text = replace(line, key=line.key[len(prefix) :]).as_bytes()
            digest.update(text)
            kept.write(text)
        if not sorted_so_far:  # directory buckets list in an order of their own
            digest = _sort(kept)
        sha256 = digest.hexdigest()
        if keep_in is not None and count > 1 and kept.tell() <= MOST_KEPT:
            kept.seek(0)
            keep_in.create(content_key(dag_id, "listings", sha256, "tsv"), kept.read())
    single = count == 1 and only is not None and only.key == prefix
    about = {"etag": only.etag, "version": only.version} if single and only else {}
    return replace(
        artifact, objects=count, bytes=size, sha256=sha256, problem="" if count else "nothing there", **about
    )


def _sort(kept: IO[bytes]) -> Any:
    kept.seek(0)
    lines = sorted(kept.readlines())
    kept.seek(0)
    kept.writelines(lines)
    return hashlib.sha256(b"".join(lines))


def _objects(client: Any, bucket: str, prefix: str, versions: bool) -> Iterator[Line]:
    if versions:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Versions", []):
                if item.get("IsLatest"):
                    version = item.get("VersionId") or ""
                    yield Line(item["Key"], item["ETag"].strip('"'), item["Size"], "" if version == "null" else version)
        return
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield Line(item["Key"], item["ETag"].strip('"'), item["Size"])


def read_listing(store: Store, dag_id: str, sha256: str) -> dict[str, str] | None:
    """A stored listing: {key: the rest of its line}; ``None`` when it was not stored or does not have its hash."""
    found = store.read(content_key(dag_id, "listings", sha256, "tsv"))
    if found is None or hashlib.sha256(found.data).hexdigest() != sha256:
        return None
    pairs = (line.partition("\t") for line in found.data.decode().splitlines())
    return {key: rest for key, _, rest in pairs}
