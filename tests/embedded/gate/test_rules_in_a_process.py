"""Reading rules imports no library that only jobs have."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "reading",
    [
        "from airflow_sagemaker_mlops.gate import parse_rules, GateReport, archive;"
        "parse_rules([{'Metric': 'auc', 'Must': 'improve'}])",
        "from airflow_sagemaker_mlops.drift import parse_rules, Columns; parse_rules(None)",
    ],
    ids=["gate", "drift"],
)
def test_reading_rules_imports_neither_numpy_nor_airflow(reading: str) -> None:
    loaded = "[name for name in ('numpy', 'scipy', 'airflow', 'boto3', 'difflib') if name in sys.modules]"
    code = f"import sys; {reading}; print({loaded})"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
