"""The stored release of a stage, checked against its hashes: for promotion to another stage, and before a rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .bundle import MAX_BYTES, Bundle, Code, digest_of
from .errors import ContentGone
from .history import Entry, Releases, again


def stored_release(releases: Releases, release: Entry) -> Bundle:
    """The bundle and the code of a release, checked against their hashes.  Raises :class:`ContentGone`."""
    bundle = releases.bundle(release)
    code = bundle.manifest["code"]
    entries = code.items() if isinstance(code, Mapping) else ()
    return replace(bundle, code=tuple(_code(releases, name, entry, again(release)) for name, entry in entries))


def _code(releases: Releases, parameter: str, entry: Mapping[str, str], fix: str) -> Code:
    import hashlib

    digest, name = entry["sha256"], entry.get("name", "")
    folder = f"code/{digest}/"
    files: dict[str, bytes] = {}
    for found in releases.objects.names(folder):
        stored = releases.objects.read(found, MAX_BYTES)
        if stored is not None:
            files[found[len(folder) :]] = stored[0]
    actual = hashlib.sha256(files.get(name, b"")).hexdigest() if name else digest_of(files)
    if actual != digest:
        where = releases.objects.uri(folder)
        raise ContentGone(f'{where}, the code of parameter "{parameter}", is incomplete or was altered. {fix}')
    return Code(parameter, entry["path"], digest, name, files)
