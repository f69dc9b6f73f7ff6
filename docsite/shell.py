"""Runs a page's commands as one script of a reader, with an embedded AWS of its own that is stopped at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def run_script(
    script: str, folder: Path, aws: Path, *, more: Mapping[str, str] | None = None, timeout_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """
    Run ``script`` in ``folder``; returns its exit code and its output, errors included.

    :param aws: folder of the embedded AWS
    :param more: further variables of its environment
    :raises subprocess.TimeoutExpired: if it takes longer than ``timeout_s``
    """
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SAGEMAKER_MLOPS_LOCAL_DIR": str(aws),
        **(more or {}),
    }
    try:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    finally:
        subprocess.run(["sagemaker-mlops", "local", "stop"], env=environment, capture_output=True, check=False)
