"""The interpreter that replaces a job's image, and a ``bin`` folder whose python and pip commands run it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ..state import read_config

BUILT_IN = re.compile(
    r"(^|/)(linear-learner|kmeans|pca|factorization-machines|ntm|lda|blazingtext|forecasting-deepar|ipinsights|knn|"
    r"object2vec|object-detection|image-classification|semantic-segmentation|randomcutforest|seq2seq|"
    r"sagemaker-tabpfn|sagemaker-xgboost|xgboost)(?=[:@]|$)"
)
XGBOOST = re.compile(r"(^|/)(sagemaker-xgboost|xgboost)(?=[:@]|$)")
UNAVAILABLE = re.compile(
    r"(^|/)(sagemaker-clarify-processing|sagemaker-model-monitor-analyzer|sagemaker-data-wrangler-container)(?=[:@]|$)"
)
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The interpreter that runs the scripts of an image.

    entrypoint   the image's own command, if the user's configuration has one
    """

    python: str
    entrypoint: tuple[str, ...] = ()


def interpreter_for(state_dir: Path, image: str) -> Interpreter:
    """The interpreter for ``image``: from "images" in ``config.json`` (regex -> python, entrypoint), else our own."""
    for pattern, entry in (read_config(state_dir).get("images") or {}).items():
        if re.search(pattern, image):
            return Interpreter(entry.get("python") or sys.executable, tuple(entry.get("entrypoint") or ()))
    return Interpreter(sys.executable)


def make_bin(folder: Path, python: str) -> Path:
    """Create a folder for the front of PATH whose python, python3, pip and pip3 use ``python``."""
    folder.mkdir(exist_ok=True)
    pip = Path(__file__).with_name("pip_wrapper.py")
    run = f'if [ "$1" = -m ] && [ "$2" = pip ]; then shift 2; exec "{python}" "{pip}" "$@"; fi\nexec "{python}" "$@"\n'
    for name in ("python", "python3"):
        _script(folder / name, run)
    for name in ("pip", "pip3"):
        _script(folder / name, f'exec "{python}" "{pip}" "$@"\n')
    return folder


def _script(path: Path, body: str) -> None:
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)


def base_environment(folder: Path, python: str, aws: dict[str, str]) -> dict[str, str]:
    """The environment that every job starts with; it inherits only ``PASSED_ON`` and PATH from this process."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    inherited = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    path = f"{make_bin(folder / 'bin', python)}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {
        **inherited,
        **aws,
        "PATH": path,
        "PIP_TARGET": str(site),
        "PYTHONPATH": str(site),
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
    }
