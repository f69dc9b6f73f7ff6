"""Finds the configuration of a stage: ``config/<stage>.yaml`` beside the DAG file, or in its parent folder.

A DAG file may be in a zip file, and so may its configuration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..definition.problems import Problem, did_you_mean
from ..definition.read.zip_archive import member
from .model import BAD_VALUE, NO_SUCH_STAGE, InvalidStage, Stage
from .reader import MAX_BYTES, parse_stage

CONFIG = "config"
_STAGE = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_SUFFIX = ".yaml"


def stage_of_file(path: Path, shown: str = "", folder: Path | None = None) -> Stage:
    """The stage in the file at ``path``, named after the file.

    :param folder: folder of the DAG file; a bundle has the file in the ``config`` folder there
    :raises InvalidPipeline: SM355 to SM357
    """
    shown = shown or str(path)
    text = _read(path, shown)
    if text is None and folder is not None:
        text = _read(folder / CONFIG / path.name, shown)
    if text is None:
        raise InvalidStage(shown, [Problem(NO_SUCH_STAGE, "$", "the file does not exist.", f"Looked for {path}.")])
    root = path.parent.parent if path.parent.name == CONFIG else path.parent
    return parse_stage(text, path.stem, shown, root)


def stage_named(name: str, folders: Sequence[Path]) -> Stage:
    """The stage ``name`` in the first of ``folders`` that has a ``config`` folder.

    Raises :class:`InvalidPipeline` (SM355) for a stage without configuration.
    """
    if not _STAGE.fullmatch(name):
        what = f'"{name[:80]}" is not the name of a stage.'
        fix = "Use up to 32 lower-case letters, digits, dashes and underscores, e.g. prod."
        raise InvalidStage(f'stage "{name[:80]}"', [Problem(NO_SUCH_STAGE, "stage", what, fix)])
    for folder in folders:
        path = folder / CONFIG / f"{name}{_SUFFIX}"
        text = _read(path, f"{CONFIG}/{name}{_SUFFIX}")
        if text is not None:
            return parse_stage(text, name, str(path), folder)
    known = sorted({one for folder in folders for one in stages_in(folder)})
    looked = " and ".join(str(folder / CONFIG / f"{name}{_SUFFIX}") for folder in folders)
    fix = f"{did_you_mean(name, known)} Looked for {looked}.".strip()
    what = f'stage "{name}" has no configuration.'
    raise InvalidStage(f'stage "{name}"', [Problem(NO_SUCH_STAGE, "stage", what, fix)])


def stages_in(folder: Path) -> list[str]:
    """Names of the stages in the ``config`` folder of ``folder``, which may be a zip file."""
    names: Sequence[str]
    try:
        names = os.listdir(folder / CONFIG)
    except (FileNotFoundError, NotADirectoryError):
        names = _zipped(folder)
    except OSError:
        return []
    return [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]


def _zipped(folder: Path) -> list[str]:
    archive = next((one for one in (folder, *folder.parents) if one.is_file()), None)
    if archive is None:
        return []
    import zipfile

    if not zipfile.is_zipfile(archive):
        return []
    inner = folder.relative_to(archive).as_posix()
    begins = f"{CONFIG}/" if inner == "." else f"{inner}/{CONFIG}/"
    with zipfile.ZipFile(archive) as packed:
        found = [name[len(begins) :] for name in packed.namelist() if name.startswith(begins)]
    return [name for name in found if "/" not in name]


def read_bounded(path: Path, limit: int) -> bytes | None:
    """At most ``limit`` + 1 bytes of a file, which may be in a zip file; ``None`` if there is no such file."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        try:
            return member(path, limit + 1)
        except FileNotFoundError:
            return None


def _read(path: Path, shown: str) -> str | None:
    try:
        content = read_bounded(path, MAX_BYTES)
        if content is not None and len(content) > MAX_BYTES:
            raise InvalidStage(shown, [Problem(BAD_VALUE, "$", f"the file is larger than {MAX_BYTES:,} bytes.")])
        return None if content is None else content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        what = f"the text is not UTF-8: byte {error.start} cannot be decoded."
        raise InvalidStage(shown, [Problem(BAD_VALUE, "$", what)]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidStage(shown, [Problem(NO_SUCH_STAGE, "$", f"the file cannot be read: {reason}.")]) from None
