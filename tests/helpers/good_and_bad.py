"""Two definitions for tests of pipelines that cannot be built: one is valid, one depends on a step that is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOOD: dict[str, Any] = {
    "Version": "2020-12-01",
    "Steps": [{"Name": "A", "Type": "Training", "Arguments": {"RoleArn": "r"}}],
}
BAD = {**GOOD, "Steps": [{**GOOD["Steps"][0], "DependsOn": ["B"]}]}
IMPORT = "from airflow_sagemaker_mlops import SageMakerPipelineDag\n"


def write_both(folder: Path) -> Path:
    """Write ``good.json`` and ``bad.json``; returns the folder."""
    (folder / "good.json").write_text(json.dumps(GOOD))
    (folder / "bad.json").write_text(json.dumps(BAD, indent=1))
    return folder
