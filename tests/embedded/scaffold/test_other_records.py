"""What the tests of a project say after its records were changed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.scaffold import make_project, settle


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path / "churn", settle({"project": "churn"}))
    return tmp_path / "churn"


def failed_tests(project: Path, replaced: dict[str, str]) -> set[str]:
    """The step tests that fail with other values of constants in ``features.py``."""
    code = project / "steps" / "features.py"
    text = code.read_text()
    for name, value in replaced.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        assert count == 1
    code.write_text(text)
    words = [sys.executable, "-m", "pytest", "-q", "tests/test_steps.py"]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout
    return set(re.findall(r"^FAILED tests/test_steps\.py::(\w+)", done.stdout, flags=re.MULTILINE))


def test_fewer_features_of_the_sample_fit_everywhere(project: Path) -> None:
    assert failed_tests(project, {"FEATURES": '("usage_gb", "support_calls")'}) == set()


def test_other_columns_no_longer_fit_the_sample_and_the_rules_of_the_gate(project: Path) -> None:
    columns = {"KEY, LABEL, SEGMENT": '"id", "late", "airline"', "FEATURES": '("distance", "hour", "wind")'}
    assert failed_tests(project, columns) == {
        "test_the_sample_has_the_columns_of_a_record",
        "test_the_gate_slices_a_column_of_the_evaluation",
    }
