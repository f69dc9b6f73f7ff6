"""Creates a project: its files, and the folder with them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from ..definition import load_pipeline
from ..definition.model import Pipeline
from ..plan import make_plan
from ..plan.show import tree
from ..steps.editor_schema import schema_text
from .errors import refusal
from .questions import Value
from .regions import NO_MODEL_PACKAGE_GROUP, build_region
from .registries import REGISTRIES
from .rendering import render
from .roles import statements

ANSWERS = ".copier-answers.yml"
MANIFEST = ".template-files.json"
SCHEMA = "schemas/definition.json"  # named in the template, too
DISTRIBUTION = "airflow-sagemaker-mlops"


@dataclass(frozen=True, slots=True)
class Existing:
    """The user's own training pipeline.

    text     the definition, as written into the project
    suffix   ``.json`` or ``.yaml``
    group    model package group that it registers models in; empty if there is none, or if only a run knows it
    """

    text: str
    suffix: str
    group: str = ""


def make_project(folder: Path, answers: Mapping[str, Value], existing: Existing | None = None) -> list[str]:
    """Write the project into ``folder``, which must be empty or missing; the paths of its files.

    Everything is first written next to it, so that a failure leaves nothing behind.  Raises :class:`ProjectError`.
    """
    refuse_occupied(folder)
    files = project_files(answers, existing)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    moved: list[str] = []
    try:
        write_files(beside, files)
        beside.chmod(0o755)
        if folder.is_dir():
            for name in sorted({PurePosixPath(file).parts[0] for file in files}):
                moved.append(name)
                os.replace(beside / name, folder / name)
            beside.rmdir()
        else:
            os.replace(beside, folder)
    except BaseException:
        _undo(folder, beside, moved, missing)
        raise
    return sorted(files)


def _undo(folder: Path, beside: Path, moved: Iterable[str], missing: Iterable[Path]) -> None:
    """Remove what was written: what is no longer ``beside`` was moved into the folder.

    :param moved: names of what was moved, the last one perhaps not
    :param missing: folders that did not exist, the innermost first
    """
    if folder not in missing:
        for name in moved:
            if not (beside / name).exists():
                _remove(folder / name)
    elif not beside.exists():
        _remove(folder)
    _remove(beside)
    with suppress(OSError):  # somebody else uses a folder that was missing
        for path in missing:
            if path != folder:
                path.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def refuse_occupied(folder: Path) -> None:
    """Raises :class:`ProjectError` (SM370) unless ``folder`` is missing, empty, or a Git repository without files."""
    if folder.is_dir() and not folder.is_symlink():
        others = sorted(path.name for path in folder.iterdir() if path.name != ".git")
        if not others:
            return
        if MANIFEST in others:
            fix = f"To bring it up to date: sagemaker-mlops new --update {folder}"
            raise refusal("SM370", str(folder), f"{folder} is a project already.", fix)
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        what = f"{folder} is not empty: it has {', '.join(others[:3])}{more}."
        raise refusal("SM370", str(folder), what, "Name a folder that does not exist.")
    if folder.exists() or folder.is_symlink():
        raise refusal("SM370", str(folder), f"{folder} is not a folder.", "Name a folder that does not exist.")


def replace_file(path: Path, text: str) -> None:
    """Write a file as a whole, with the permissions that it had: an interruption leaves the old or the new one.

    An ``OSError`` names ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # a full disk names none, others the file beside
        raise
    finally:
        beside.unlink(missing_ok=True)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files``, relative to ``folder``."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def project_files(answers: Mapping[str, Value], existing: Existing | None = None) -> dict[str, str]:
    """{path: content} of all files of the project, the manifest among them."""
    installed = version(DISTRIBUTION)
    region = str(answers["region"])
    kept = {"_src_path": DISTRIBUTION, "_commit": installed, **answers}
    values: dict[str, object] = {
        **answers,
        "_copier_answers": kept,
        "version": installed,
        "registry": REGISTRIES[region],
        "build_region": build_region(region),
        "has_groups": region not in NO_MODEL_PACKAGE_GROUP,
        "train": "train.yaml" if answers["source"] == "yaml" else f"train{existing.suffix if existing else '.json'}",
        "group": answers["project"] if existing is None else existing.group or answers["project"],
    }
    folder = PurePosixPath("dags", str(answers["project"]))
    files = render({**values, "statements": ""})
    files[SCHEMA] = schema_text()
    if existing is not None:
        files[str(folder / f"train{existing.suffix}")] = existing.text
    pipelines = dict(_pipelines(files, folder))
    files |= render({**values, "statements": statements(pipelines, str(values["group"]))}, below="infra/")
    files |= {f"tests/plans/{name}.txt": tree(make_plan(one)) + "\n" for name, one in pipelines.items()}
    files[MANIFEST] = manifest(files, installed)
    return files


def manifest(files: Mapping[str, str], installed: str) -> str:
    """The version of the template, and Git's object id of each file as rendered."""
    ids = {name: object_id(text.encode()) for name, text in sorted(files.items()) if name != MANIFEST}
    return json.dumps({"version": installed, "files": ids}, indent=2) + "\n"


def object_id(content: bytes) -> str:
    """Git's id of a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _pipelines(files: Mapping[str, str], folder: PurePosixPath) -> Iterator[tuple[str, Pipeline]]:
    for name, text in files.items():
        path = PurePosixPath(name)
        if path.parent == folder and path.suffix in (".yaml", ".json"):
            yield path.stem, load_pipeline(text.encode(), name=name)
