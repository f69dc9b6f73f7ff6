"""Promotion: deploys the stored release of one stage to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .bundle import MAX_BYTES, Bundle, Code, digest_of
from .errors import ContentGone
from .history import Entry
from .release import Target


def stored_release(source: Target, release: Entry) -> Bundle:
    """The bundle and the code of a release, checked against their hashes.  Raises :class:`ContentGone`."""
    bundle = source.releases.bundle(release.bundle)
    code = bundle.manifest["code"]
    entries = code.items() if isinstance(code, Mapping) else ()
    return replace(bundle, code=tuple(_code(source, name, entry) for name, entry in entries))


def _code(source: Target, parameter: str, entry: Mapping[str, str]) -> Code:
    import hashlib

    digest, name = entry["sha256"], entry.get("name", "")
    folder = f"code/{digest}/"
    files: dict[str, bytes] = {}
    for found in source.releases.objects.names(folder):
        stored = source.releases.objects.read(found, MAX_BYTES)
        if stored is not None:
            files[found[len(folder) :]] = stored[0]
    actual = hashlib.sha256(files.get(name, b"")).hexdigest() if name else digest_of(files)
    if actual != digest:
        where = source.releases.objects.uri(folder)
        raise ContentGone(f'{where}, the code of parameter "{parameter}", is incomplete or was altered.')
    return Code(parameter, entry["path"], digest, name, files)
