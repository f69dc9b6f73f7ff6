"""The archive of a gate's job, run by an interpreter without the rest of the package."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from simulated import binormal

from airflow_sagemaker_mlops.gate import archive
from airflow_sagemaker_mlops.gate.zipapp import module_files

RULES = """
- {Metric: auc, Must: improve}
- {Metric: auc, Slice: origin, Must: not_worsen, By: 0.05, MinRecords: 200}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    for name, gain in (("better", 0.05), ("equal", 0.0), ("worse", -0.08)):
        label, candidate, champion = binormal(1, 1500, gain)
        rows = zip(label, candidate, champion, strict=True)
        text = "".join(f"{i},{int(y)},{a!r},{b!r},{['EWR', 'JFK'][i % 2]}\n" for i, (y, a, b) in enumerate(rows))
        head = "id,label,candidate,champion,origin\n"
        (tmp_path / f"{name}.csv").write_text(head + text.replace("np.float64(", "").replace(")", ""))
    return tmp_path


def test_the_archive_of_a_job_is_the_same_bytes_and_judges_alone(folder: Path) -> None:
    archive.cache_clear()
    first = archive()
    archive.cache_clear()
    assert archive() == first
    program = folder / "gate.pyz"
    program.write_bytes(first)
    assert len(zipfile.ZipFile(program).namelist()) == len(module_files()) + 1
    rules = json.dumps([{"Metric": "auc", "Must": "improve"}])
    (folder / "rules.json").write_text(rules)

    def run(predictions: str) -> subprocess.CompletedProcess[str]:
        words = ["--predictions", predictions, "--rules", "rules.json", "--output", "out"]
        # -I: neither the checkout nor this environment's PYTHONPATH can help
        return subprocess.run(
            [sys.executable, "-I", program, *words], cwd=folder, text=True, capture_output=True, check=False
        )

    done = run("worse.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((folder / "out" / "report.json").read_text())["verdict"] == "reject"
    (folder / "one.csv").write_text("id,label,candidate,champion\na,1,nan,0.5\n")
    refused = run("one.csv")
    assert refused.returncode == 2
    assert "candidate is not a number (NaN) in 1 of 1 records: line 2" in refused.stderr
