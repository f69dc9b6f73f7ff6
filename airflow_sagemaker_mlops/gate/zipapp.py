"""Packs the gate into one file for a job: a zip archive that Python runs.

The bytes depend only on the modules, not on the time, the machine or the version of zlib, so the file's hash
identifies the gate that judged.  :func:`zipped` packs programs of other packages.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

PACKAGE = "champion_gate"  # name of this package in the archive
LEFT_OUT = ("zipapp.py",)
_MAIN = """\
import sys

from {module} import main

sys.exit(main())
"""


@lru_cache(maxsize=1)
def archive() -> bytes:
    """The archive; a job runs it as ``python3 gate.pyz --predictions DIR_OR_FILE --rules FILE.json --output DIR``.

    The job writes ``report.json`` (:class:`~.report.GateReport`) into the output folder and exits with 0 for every
    verdict.  For input that cannot be judged, it exits with 2 and writes the reason to standard error and to
    ``/opt/ml/output/message``, which SageMaker reads as the ``ExitMessage``.  The gate needs Python 3.9, numpy
    and scipy; pyarrow for Parquet.
    """
    return zipped(f"{PACKAGE}.job", {PACKAGE: module_files()})


def zipped(main: str, rooms: Mapping[str, Iterable[Path]]) -> bytes:
    """The archive that runs ``main()`` of the module ``main``.

    rooms   {dotted package name: its modules}; parent packages without modules are added empty
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
            entry.create_system = 3  # Unix, on every platform
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content)
    return b"#!/usr/bin/env python3\n" + buffer.getvalue()


def module_files() -> list[Path]:
    """The modules of this package that a job needs, sorted by name."""
    folder = Path(__file__).parent
    return sorted(file for file in folder.glob("*.py") if file.name not in LEFT_OUT)
