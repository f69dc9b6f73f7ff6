"""The DAG processor imports the modules that a parse needs before it forks."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

PARSE = """
import json, sys
from importlib.metadata import entry_points
(plugin,) = entry_points(group="airflow.plugins", name="sagemaker_preload")
plugin.load().on_load()
before = set(sys.modules)
sys.path.insert(0, sys.argv[2])
from airflow_sagemaker_mlops import SageMakerPipelineDag
from airflow_names import DagSerialization
for definition in sys.argv[3:]:
    DagSerialization.to_dict(SageMakerPipelineDag("daily", definition))
OURS = ("airflow_sagemaker_mlops", "airflow.providers.standard.operators", "airflow.providers.standard.sensors")
ours = [name for name in set(sys.modules) - before if name.startswith(OURS)]
print(json.dumps(sorted(ours)))
"""


def imported_by_a_parse(process: str) -> list[str]:
    """Modules of this package and the standard provider that a parse imports in the Airflow process ``process``."""
    root = Path(__file__).resolve().parents[3]
    examples = (str(root / "dags" / name / "definition.yaml") for name in ("daily_model", "late_flights"))
    words = [sys.executable, "-c", PARSE, process, str(root / "tests" / "helpers"), *examples]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_a_parse_after_it_imports_nothing_but_the_definition() -> None:
    assert imported_by_a_parse("dag-processor") == []


def test_a_process_that_does_not_parse_all_day_imports_nothing_for_it() -> None:
    assert "airflow_sagemaker_mlops.factory.dag" in imported_by_a_parse("triggerer")


def test_airflow_loads_it_as_a_plugin() -> None:
    from airflow.plugins_manager import AirflowPlugin

    (found,) = entry_points(group="airflow.plugins", name="sagemaker_preload")
    assert issubclass(found.load(), AirflowPlugin)
