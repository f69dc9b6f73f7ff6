"""The gate as one file for a job: a zip archive that Python runs.

The bytes depend on the modules alone, not on the time, the machine or a version of zlib, so a fingerprint of the file
says which gate has judged.  A program with other rooms is made with :func:`zipped`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

PACKAGE = "champion_gate"  # name of this room in the archive
LEFT_OUT = ("zipapp.py",)
_MAIN = """\
import sys

from {module} import main

sys.exit(main())
"""


@lru_cache(maxsize=1)
def archive() -> bytes:
    """The archive; a job runs it as ``python3 gate.pyz --predictions DIR_OR_FILE --rules FILE.json --output DIR``.

    The job writes ``report.json`` (:class:`~.report.GateReport`) into the output folder and exits 0 for every verdict.
    For input that cannot be judged it exits 2 and says why on standard error and, where SageMaker reads it as the
    ``ExitMessage``, in ``/opt/ml/output/message``.  It needs Python 3.9, numpy and scipy; pyarrow for Parquet.
    """
    return zipped(f"{PACKAGE}.job", {PACKAGE: module_files()})


def zipped(main: str, rooms: Mapping[str, Iterable[Path]]) -> bytes:
    """The archive that runs ``main()`` of the module ``main``.

    rooms   {package, with dots: its modules}; a package above others without modules of its own is empty
    """
    members = {"__main__.py": _MAIN.format(module=main).encode()}
    for package, modules in rooms.items():
        folders = package.split(".")
        for depth in range(1, len(folders)):
            members.setdefault(f"{'/'.join(folders[:depth])}/__init__.py", b"")
        for module in modules:
            members[f"{'/'.join(folders)}/{module.name}"] = module.read_bytes().replace(b"\r\n", b"\n")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, content in sorted(members.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever it is written
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content)
    return b"#!/usr/bin/env python3\n" + buffer.getvalue()


def module_files() -> list[Path]:
    """The modules of this room that a job needs, sorted by name."""
    folder = Path(__file__).parent
    return sorted(file for file in folder.glob("*.py") if file.name not in LEFT_OUT)
