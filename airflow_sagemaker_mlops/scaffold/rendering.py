"""Renders the template with answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from .questions import FOLDER, compiled, settings


def render(values: Mapping[str, object], below: str = "") -> dict[str, str]:
    """{path in the project: content} of every file of the template that the answers call for.

    values   the answers, and what :mod:`.projects` derives from them
    below    folder of the template to render; the whole template by default
    """
    suffix = str(settings()["_templates_suffix"])
    left_out = [text for text in (compiled(one).render(values) for one in _excluded()) if text]
    files: dict[str, str] = {}
    for file in template_files():
        name = compiled(file.relative_to(_root()).as_posix()).render(values).removesuffix(suffix)
        if not name.startswith(below) or any(
            f"/{name}" == path or f"/{name}".startswith(f"{path}/") for path in left_out
        ):
            continue
        text = file.read_text(encoding="utf-8")
        files[name] = compiled(text).render(values) if file.suffix == suffix else text
    return files


def template_files() -> Iterator[Path]:
    """The files of the template, in the order of their names."""
    return (path for path in sorted(_root().rglob("*")) if path.is_file())


def _root() -> Path:
    return FOLDER / str(settings()["_subdirectory"])


def _excluded() -> list[str]:
    rows = settings()["_exclude"]
    return [str(row) for row in rows] if isinstance(rows, list) else []
