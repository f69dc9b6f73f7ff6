"""The bundle of a release: the DAG folder with the stages' configurations as one zip file, and the code beside it.

Airflow reads DAG files from the root of a zip file, so one object is a whole release, and replacing it is atomic.  The
same files give the same bytes: no times, no owners, no compression.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..definition.problems import Problem, key_text
from ..stages.code import BAD_CODE, MANIFEST, manifest_of
from ..stages.find import CONFIG
from ..stages.model import BAD_VALUE, Stage
from .dag_files import dag_file_problems
from .errors import ContentGone

SCHEMA = 1
CODE_FILES = "code-files.json"  # beside the manifest, which every parse reads: for comparisons of releases only
MAX_FILES = 10_000
MAX_BYTES = 250_000_000  # in a bundle, and in the code of one parameter
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
_SKIPPED = frozenset({"__pycache__"})


@dataclass(frozen=True, slots=True)
class Code:
    """The code of one parameter: a file or a folder of the project.

    name    name of the file; empty for a folder
    files   {relative path: content}
    """

    parameter: str
    path: str
    digest: str
    name: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as bytes, and what it consists of.

    files      {path in the zip file: content}
    manifest   the content of its ``bundle.json``
    code       empty for a bundle that was read from S3
    """

    project: str
    data: bytes
    digest: str
    files: Mapping[str, bytes]
    manifest: Mapping[str, object]
    code: tuple[Code, ...] = ()

    def definition(self, stage: Stage, name: str) -> bytes | None:
        """The definition of a pipeline; ``None`` if the bundle has none."""
        return self.files.get(in_bundle(stage, stage.pipelines[name].definition) or "")


def project_of(stage: Stage) -> str:
    """The name of the project: ``project``, or that of its folder."""
    return (
        stage.project or "".join(c if c.isalnum() or c in "_-" else "-" for c in stage.root.resolve().name) or "project"
    )


def in_bundle(stage: Stage, path: str) -> str | None:
    """The path in the bundle of a file of the project; ``None`` if it lies outside the DAG folder."""
    folder = os.path.normpath(stage.dag_folder)
    inner = os.path.relpath(os.path.normpath(path or "."), folder).replace(os.sep, "/")
    return None if inner == "." or inner.startswith("..") else inner


def build_bundle(stage: Stage, extra: Path | None = None) -> Bundle:
    """The bundle of the project's current files.

    :param extra: the configuration of the stage, if it is not in the ``config`` folder
    :raises InvalidPipeline: SM357 and SM361, if the DAG folder, a definition or code is missing or unusable
    """
    project = project_of(stage)
    folder = stage.root / stage.dag_folder
    problems: list[Problem] = []
    files = _files_of(folder, "$.dag_folder", problems)
    if not problems and not any("/" not in name and name.endswith(".py") for name in files):
        what = f'"{stage.dag_folder}" has no DAG file.'
        fix = "Airflow reads the *.py files directly in this folder, and none below it."
        problems.append(Problem(BAD_VALUE, "$.dag_folder", what, fix))
    _require_definitions(stage, files, problems)
    problems += dag_file_problems(stage, files)
    code = _codes(stage, problems)
    if problems:
        raise stage.refused(problems)
    if not any(name.startswith(f"{CONFIG}/") for name in files):
        files |= {f"{CONFIG}/{name}": content for name, content in _configurations(stage, extra).items()}
    manifest: dict[str, object] = {
        "schema": SCHEMA,
        "project": project,
        "code": {
            one.parameter: {"path": one.path, "sha256": one.digest, **({"name": one.name} if one.name else {})}
            for one in code
        },
    }
    files[MANIFEST] = json.dumps(manifest, indent=2, sort_keys=True).encode()
    if folders := {one.parameter: hashes_of(one.files) for one in code if not one.name}:
        files[CODE_FILES] = json.dumps(folders, indent=2, sort_keys=True).encode()
    data = _zipped(files)
    return Bundle(project, data, hashlib.sha256(data).hexdigest(), files, manifest, code)


def code_of(stage: Stage) -> tuple[Code, ...]:
    """The code in the project's current files.  Raises :class:`InvalidPipeline` (SM361)."""
    problems: list[Problem] = []
    code = _codes(stage, problems)
    if stage.code and stage.releases is None:
        what = "the stage has code, but does not say where it is stored."
        problems.append(Problem(BAD_CODE, "$.code", what, "Add releases: s3://bucket/prefix."))
    if problems:
        raise stage.refused(problems)
    return code


def read_bundle(data: bytes, digest: str, uri: str) -> Bundle:
    """The bundle stored at ``uri``.  Raises :class:`ContentGone` if its bytes are not those of ``digest``."""
    if hashlib.sha256(data).hexdigest() != digest:
        raise ContentGone(f"{uri} was altered: its SHA-256 is not the one in its name.")
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(one.file_size for one in packed.infolist()) > MAX_BYTES:
            raise ContentGone(f"{uri} is not a bundle: unpacked, it is too large.")
        files = {name: packed.read(name) for name in packed.namelist()}
    manifest = manifest_of(files.get(MANIFEST, b""), f"{uri}/{MANIFEST}")
    return Bundle(str(manifest["project"]), data, digest, files, manifest)


def digest_of(files: Mapping[str, bytes]) -> str:
    """The SHA-256 of a set of files: of ``sha256, two spaces, path`` lines, as ``sha256sum`` prints them."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes_of(files).items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def hashes_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """``{path: SHA-256}``."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _require_definitions(stage: Stage, files: Mapping[str, bytes], problems: list[Problem]) -> None:
    for name, entry in stage.pipelines.items():
        place = f"$.pipelines{key_text(name)}"
        inner = in_bundle(stage, entry.definition)
        if not entry.definition:
            fix = "Add definition: the file's path in the project."
            problems.append(Problem(BAD_VALUE, place, f'pipeline "{name}" names no definition.', fix))
        elif inner is None:
            what = f'"{entry.definition}" lies outside the DAG folder "{stage.dag_folder}", which is the bundle.'
            problems.append(Problem(BAD_VALUE, f"{place}.definition", what, f"Move it into {stage.dag_folder}/."))
        elif inner not in files and files:
            what = f'the definition "{entry.definition}" does not exist.'
            problems.append(Problem(BAD_VALUE, f"{place}.definition", what, f"Looked in {stage.root.resolve()}."))


def _codes(stage: Stage, problems: list[Problem]) -> tuple[Code, ...]:
    return tuple(_code(stage, name, path, problems) for name, path in sorted(stage.code.items()))


def _code(stage: Stage, parameter: str, path: str, problems: list[Problem]) -> Code:
    place = f"$.code{key_text(parameter)}"
    full = stage.root / path
    if full.is_file():
        files = {full.name: full.read_bytes()}
        return Code(parameter, path, hashlib.sha256(files[full.name]).hexdigest(), full.name, files)
    before = len(problems)
    files = _files_of(full, place, problems, BAD_CODE)
    if not files and len(problems) == before:
        problems.append(Problem(BAD_CODE, place, f'"{path}" has no files.'))
    return Code(parameter, path, digest_of(files), "", files)


def _configurations(stage: Stage, extra: Path | None) -> dict[str, bytes]:
    folder = stage.root / CONFIG
    found = {path.name: path.read_bytes() for path in sorted(folder.glob("*.yaml"))} if folder.is_dir() else {}
    if extra is not None:
        found.setdefault(f"{stage.name}.yaml", extra.read_bytes())
    return found


def _files_of(folder: Path, place: str, problems: list[Problem], code: str = BAD_VALUE) -> dict[str, bytes]:
    """``{relative path: content}`` of a folder; problems are added to ``problems``."""
    if not folder.is_dir():
        problems.append(Problem(code, place, f'"{folder}" does not exist.', "Write a path relative to the project."))
        return {}
    found: dict[str, bytes] = {}
    total = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            what = f'"{name}" in "{folder}" is a link, and a release takes only files.'
            problems.append(Problem(code, place, what, "Replace it with the file, or move it elsewhere."))
            continue
        total += path.stat().st_size
        if len(found) >= MAX_FILES or total > MAX_BYTES:
            what = f'"{folder}" has more than {MAX_FILES:,} files or {MAX_BYTES // 1_000_000} MB.'
            problems.append(Problem(code, place, what, "Move files that are not code elsewhere."))
            return found
        found[name] = path.read_bytes()
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """The files of a folder in order, without hidden ones and compiled Python."""
    for base, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(base) / name).is_symlink()]
        folders[:] = sorted(one for one in folders if one not in _SKIPPED | set(linked) and not one.startswith("."))
        for name in sorted([*names, *linked]):
            if not name.startswith(".") and not name.endswith(".pyc"):
                yield Path(base) / name


def _zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # Unix, on every platform
            info.external_attr = 0o100644 << 16
            packed.writestr(info, files[name])
    return out.getvalue()
