"""Pictures of the HTML reports: of five runs of the story, of two of them compared, and of its champions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from make import Shot

from airflow_sagemaker_mlops import local_aws

RUNS = {  # the six days of the story from the last one back, and how much of a page is shown
    "failed": ("latest", 356),  # without the log, which has paths of this machine
    "reject": ("latest~1", 900),
    "inconclusive": ("latest~2", 900),
    "drift": ("latest~3", 1250),
    "promote": ("latest~4", 900),
}


@contextmanager
def pages(state: Path) -> Iterator[list[Shot]]:
    """The reports as files."""
    with TemporaryDirectory() as folder:
        local_aws.start(state)  # once for all commands
        try:
            written = dict(_written(Path(folder), state))
        finally:
            local_aws.stop(state)
        heights = {name: height for name, (_, height) in RUNS.items()} | {"comparison": 1000, "history": 560}
        yield [Shot(f"report-{name}", file.as_uri(), height=heights[name]) for name, file in written.items()]


def _written(folder: Path, state: Path) -> Iterator[tuple[str, Path]]:
    commands = {name: ["records", "show", run] for name, (run, _) in RUNS.items()}
    commands["comparison"] = ["records", "diff", "latest~4", "latest~1"]
    commands["history"] = ["champion", "history", "late-flights"]
    for name, words in commands.items():
        file = folder / f"{name}.html"
        options = ["--html", str(file), "--state-dir", str(state)]
        subprocess.run([sys.executable, "-m", "airflow_sagemaker_mlops.cli", *words, *options], check=True)
        yield name, file
