"""Packs the drift check into one file for a job, as :mod:`..gate.zipapp` does for the gate."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..gate import zipapp as gate
from ..gate.zipapp import zipped

PACKAGE = "drift_check"  # parent package in the archive, of this package and the modules of the gate that it needs
LEFT_OUT = ("zipapp.py",)


@lru_cache(maxsize=1)
def archive() -> bytes:
    """The archive; a job runs it as ``python3 drift.pyz --data DIR --baseline DIR --rules FILE.json --output DIR``.

    It needs Python 3.9, numpy, scipy and pandas; pyarrow for Parquet.  See :mod:`.job` for its options.
    """
    own = sorted(file for file in Path(__file__).parent.glob("*.py") if file.name not in LEFT_OUT)
    return zipped(f"{PACKAGE}.drift.job", {f"{PACKAGE}.drift": own, f"{PACKAGE}.gate": gate.module_files()})
