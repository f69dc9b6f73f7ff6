"""Updates a project to the template of the installed version, and keeps its owners' changes.

Each file has three versions: as the old template rendered it (the manifest has its id), the current one, and as the
new template renders it.  If both sides changed it and Git knows the old version, Git merges; otherwise the new
version is written next to the file, with the suffix ``.new``.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.version import InvalidVersion, Version

from ..definition.read.yaml_source import YamlRefused, plain_yaml
from ..paths import UnsafePath, below
from .answers import settle
from .errors import refusal
from .projects import ANSWERS, MANIFEST, Existing, object_id, project_files, replace_file
from .questions import Value

What = Literal["added", "replaced", "removed", "merged", "moved", "beside", "kept", "deleted"]


@dataclass(frozen=True, slots=True)
class Change:
    """What an update does to one file.

    what   ``moved``: a file that was changed has this name now; ``beside``: the new version is in ``<name>.new``;
           ``kept``: the template dropped a file that was changed; ``deleted``: the template changed a file that is not
           there any more
    text   the text to write; ``None`` for nothing
    """

    name: str
    what: What
    text: str | None = None


def update_project(folder: Path, given: Mapping[str, Value], existing: Existing | None = None) -> list[Change]:
    """Update the project in ``folder``; ``given`` are changed answers.  Raises :class:`ProjectError`."""
    known = _manifest(folder)
    recorded = recorded_answers(folder)
    answers = settle(given, recorded=recorded)
    files = project_files(answers, existing)
    renamed = f"dags/{recorded.get('project')}/", f"dags/{answers['project']}/"
    moves = list(_moves(folder, known, files, *renamed)) if renamed[0] != renamed[1] else []
    done = {change.name for change in moves}
    changes = [*moves, *(change for change in _changes(folder, known, files) if change.name not in done)]
    for change in changes:
        path = folder / (f"{change.name}.new" if change.what == "beside" else change.name)
        if change.what == "removed":
            path.unlink()
        elif change.text is not None:
            replace_file(path, change.text)
    replace_file(folder / MANIFEST, files[MANIFEST])
    return changes


def recorded_answers(folder: Path) -> dict[str, Value]:
    """The answers that the project was made with.  Raises :class:`ProjectError` (SM374, SM375)."""
    _manifest(folder)  # answers of a newer version may be unknown here
    path = folder / ANSWERS
    try:
        found = plain_yaml(path.read_text(encoding="utf-8"))
    except YamlRefused as refused:
        problem = refused.problem
        what = f"{path}:{problem.line or 1}:{problem.column or 1} cannot be read: {problem.what}"
        raise refusal("SM375", str(path), what, problem.fix or RESTORE) from None
    except (OSError, ValueError) as error:
        raise refusal("SM375", str(path), f"{path} cannot be read: {_why(error)}.", RESTORE) from None
    if not isinstance(found, dict):
        raise refusal("SM375", str(path), f"{path} cannot be read: its lines are not KEY: VALUE.", RESTORE)
    return {name: _answer(path, name, value) for name, value in found.items() if not name.startswith("_")}


def _answer(path: Path, name: str, value: object) -> Value:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    kind = "nothing" if value is None else "a list" if isinstance(value, list) else "an object"
    raise refusal("SM375", str(path), f'{path} has {kind} for "{name}".', f"Write {name}: and its answer on one line.")


RESTORE = "Restore it from the project's history; updates need it."


def _refuse_foreign(folder: Path) -> None:
    if not (folder / MANIFEST).is_file():
        what = f"{folder} was not made by sagemaker-mlops new: it has no {MANIFEST}."
        raise refusal("SM375", str(folder), what, "Make a project with: sagemaker-mlops new DIR")


def _manifest(folder: Path) -> dict[str, str]:
    _refuse_foreign(folder)
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        made = Version(found["version"])
        ids = {str(name): str(known) for name, known in found["files"].items()}
        for name in ids:
            below(folder, name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidVersion, UnsafePath) as error:
        raise refusal("SM375", str(path), f"{path} cannot be read: {_why(error)}.", RESTORE) from None
    _refuse_newer(folder, made)
    return ids


def _refuse_newer(folder: Path, made: Version) -> None:
    from importlib.metadata import version

    from .projects import DISTRIBUTION

    installed = version(DISTRIBUTION)
    if made > Version(installed):
        what = f"{folder} was made by {DISTRIBUTION} {made}, which is newer than {installed}, the installed one."
        raise refusal("SM374", str(folder), what, f"Install it first: pip install '{DISTRIBUTION}[local]>={made}'")


def _why(error: BaseException) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return " ".join(str(error).split())[:200]


def _moves(folder: Path, known: Mapping[str, str], files: Mapping[str, str], old: str, new: str) -> Iterator[Change]:
    """What happens to the files below ``old`` that their owners changed, when the template has them below ``new``."""
    for name in sorted(known):
        there = f"{new}{name.removeprefix(old)}"
        path = folder / name
        if not name.startswith(old) or there not in files or not path.is_file() or (folder / there).exists():
            continue
        mine = path.read_bytes()
        if object_id(mine) == known[name]:
            continue
        merged = _merged(folder, mine, known[name], files[there])
        if merged is not None:
            yield Change(there, "merged", merged)
        else:
            try:
                yield Change(there, "moved", mine.decode())
            except UnicodeDecodeError:
                continue  # no file of the template's kind any more: it stays where it is
            yield Change(there, "beside", files[there])
        yield Change(name, "removed")


def _changes(folder: Path, known: Mapping[str, str], files: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*known, *files} - {MANIFEST}):
        path, new = folder / name, files.get(name)
        mine = path.read_bytes() if path.is_file() else None
        id_mine = None if mine is None else object_id(mine)
        id_new = None if new is None else object_id(new.encode())
        before = known.get(name)
        if id_new in (id_mine, before):
            continue  # up to date, or unchanged in the template
        if mine is None and before is not None:  # deleted by its owners
            if new is not None:
                yield Change(name, "deleted")
        elif name == ANSWERS:
            yield Change(name, "replaced", new)
        elif mine is None:
            yield Change(name, "added", new)
        elif id_mine == before:
            yield Change(name, "removed") if new is None else Change(name, "replaced", new)
        elif new is None:
            yield Change(name, "kept")
        else:
            merged = _merged(folder, mine, before, new)
            yield Change(name, "beside", new) if merged is None else Change(name, "merged", merged)


def _merged(folder: Path, mine: bytes, before: str | None, new: str) -> str | None:
    """Both changes in one text; ``None`` if they touch the same lines, or if Git has no ``before``."""
    if before is None:
        return None
    with tempfile.TemporaryDirectory() as there:
        sides = [Path(there, name) for name in ("mine", "before", "new")]
        try:
            old = subprocess.run(["git", "cat-file", "blob", before], cwd=folder, capture_output=True, check=True)
            for side, content in zip(sides, (mine, old.stdout, new.encode()), strict=True):
                side.write_bytes(content)
            words = ["git", "merge-file", "-p", *map(str, sides)]
            return subprocess.run(words, capture_output=True, check=True).stdout.decode()
        except (OSError, subprocess.CalledProcessError, UnicodeDecodeError):
            return None
