"""Joins a folder with an untrusted name: an S3 key, a member of an archive, a resource name."""

from __future__ import annotations

from pathlib import Path

MAX_NAME, MAX_PATH = 255, 4000  # bytes; limits of file systems


class UnsafePath(ValueError):
    """The name does not denote a file below its folder; the text says why."""


def inside(folder: Path, name: str) -> Path:
    """The file below ``folder`` that ``name`` denotes; no link may lead out of it.  Raises :class:`UnsafePath`."""
    path = below(folder, name)
    if not path.parent.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
        raise UnsafePath(f"{name!r} leads out of its folder through a link")
    return path


def below(folder: Path, name: str) -> Path:
    """The path below ``folder`` that ``name`` denotes, its parts separated by slashes.

    Empty parts and ``.`` are ignored: ``//etc/x`` is ``etc/x`` below the folder.  Raises :class:`UnsafePath` for a name
    that leads out of the folder or that no file can have.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise UnsafePath(f"{name!r} is not UTF-8") from None
    if not parts:
        raise UnsafePath(f"{name!r} does not name a file")
    if ".." in parts:
        raise UnsafePath(f"{name!r} leads out of its folder")
    if "\0" in name:
        raise UnsafePath(f"{name!r} contains a NUL")
    if max(sizes) > MAX_NAME or sum(sizes) + len(parts) > MAX_PATH:
        raise UnsafePath(f"{name[:80]!r}... is too long for a path")
    return folder.joinpath(*parts)
