"""Reads a definition that is packaged with its DAG in a zip file."""

from __future__ import annotations

import os
from pathlib import Path


def member(path: Path, limit: int) -> bytes | None:
    """The first ``limit`` bytes of ``path`` if one of its parents is a zip file, ``folder/dags.zip/churn.yaml``.

    ``None`` if ``path`` is not in a zip file.  Raises ``FileNotFoundError`` if the zip file has no such member.
    """
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    if archive is None:
        return None
    import zipfile

    if not zipfile.is_zipfile(archive):
        return None
    name = os.path.normpath(path.relative_to(archive)).replace(os.sep, "/")
    try:
        with zipfile.ZipFile(archive) as packed, packed.open(name) as file:
            return file.read(limit)
    except KeyError:
        raise FileNotFoundError(2, f'{archive.name} does not contain "{name}"') from None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # damaged, encrypted, or unknown method
        raise OSError(5, f"{archive.name} cannot be unpacked: {error}") from None
