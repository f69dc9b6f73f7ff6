"""Locates a bundle's code in a stage: the parameters under ``code`` get content-addressed S3 URIs.

``bundle.json``, the same in all stages, identifies the bytes; the stage names the bucket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from ..definition.problems import Problem
from .find import read_bounded
from .model import BAD_VALUE, InvalidStage, Stage

MANIFEST = "bundle.json"
BAD_CODE = "SM361"
MAX_BYTES = 1_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def code_uri(releases: str, project: str, digest: str, name: str = "") -> str:
    """The S3 URI of code with this SHA-256: of a folder, or of the file ``name``."""
    return f"{releases}/{project}/code/{digest}{name and f'/{name}'}"


def code_values(stage: Stage, folder: Path) -> dict[str, str]:
    """``{parameter: S3 URI}`` of the code in the bundle that a DAG file in ``folder`` belongs to.

    Empty outside a bundle, where parameters keep their values.  Raises :class:`InvalidPipeline` (SM361) if the
    bundle has no code for a parameter.
    """
    if not stage.code:
        return {}
    content = read_bounded(folder / MANIFEST, MAX_BYTES)
    if content is None:
        return {}
    return values_in(stage, manifest_of(content, str(folder / MANIFEST)))


def values_in(stage: Stage, manifest: Mapping[str, object]) -> dict[str, str]:
    """:func:`code_values` by the content of the bundle's ``bundle.json``."""
    stored = manifest["code"]
    known = stored if isinstance(stored, Mapping) else {}
    values, problems = {}, []
    for name, path in stage.code.items():
        entry = known.get(name)
        if stage.releases is None:
            what = f'"{name}" is code of the project, but the stage does not say where releases are.'
            problems.append(Problem(BAD_CODE, "$.code", what, "Add releases: s3://bucket/prefix."))
        elif not isinstance(entry, Mapping) or entry.get("path") != path:
            what = f'the bundle has no code of "{path}" for parameter "{name}".'
            problems.append(Problem(BAD_CODE, "$.code", what, "Deploy the stage with this configuration."))
        else:
            name_of_file = str(entry.get("name") or "")
            values[name] = code_uri(stage.releases, str(manifest["project"]), str(entry.get("sha256")), name_of_file)
    if problems:
        raise stage.refused(problems)
    return values


def manifest_of(content: bytes, name: str) -> dict[str, object]:
    """The content of a ``bundle.json``.  Raises :class:`InvalidPipeline` (SM357) for anything else."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    is_whole = isinstance(found, dict) and isinstance(found.get("project"), str) and isinstance(found.get("code"), dict)
    if is_whole and all(_is_entry(entry) for entry in found["code"].values()):
        return dict(found)
    raise InvalidStage(name, [Problem(BAD_VALUE, "$", "this is not the manifest of a bundle.", "Deploy again.")])


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, Mapping):
        return False
    name = entry.get("name", "")
    return (
        isinstance(entry.get("path"), str)
        and isinstance(name, str)
        and "/" not in name
        and _SHA256.fullmatch(str(entry.get("sha256"))) is not None
    )
