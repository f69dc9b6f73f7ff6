"""Default names for pipelines."""

from __future__ import annotations

import re
from pathlib import Path

LONGEST_ID = 250  # of a DAG


def name_of_file(file: Path) -> str:
    """A DAG id for a pipeline that has only a file: the file's name, or its folder's if the file's is generic."""
    return dag_id_like(file.absolute().parent.name if file.stem in ("definition", "pipeline") else file.stem)


def dag_id_like(text: str) -> str:
    """``text`` as a valid DAG id: letters, digits, dashes, dots and underscores, at most 250."""
    return re.sub(r"[^\w.-]+", "_", text)[:LONGEST_ID] or "pipeline"
