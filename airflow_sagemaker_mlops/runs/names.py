"""Names for pipelines that are given none."""

from __future__ import annotations

import re
from pathlib import Path

LONGEST_ID = 250  # of a DAG


def name_of_file(file: Path) -> str:
    """A name for a pipeline that has only a file: its own, or its folder's when it says nothing; fit for a DAG's id."""
    return dag_id_like(file.absolute().parent.name if file.stem in ("definition", "pipeline") else file.stem)


def dag_id_like(text: str) -> str:
    """``text`` as an id that Airflow takes: letters, digits, dashes, dots and underscores, at most 250."""
    return re.sub(r"[^\w.-]+", "_", text)[:LONGEST_ID] or "pipeline"
