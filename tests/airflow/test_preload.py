"""What a parse imports of this package is there before the DAG processor forks."""

from __future__ import annotations

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
from airflow_sagemaker_mlops import SageMakerPipelineDag
SageMakerPipelineDag("daily", sys.argv[1])
print(json.dumps(sorted(name for name in set(sys.modules) - before if name.startswith("airflow_sagemaker_mlops"))))
"""


def test_a_parse_after_it_imports_no_module_of_this_package() -> None:
    example = Path(__file__).resolve().parents[2] / "dags" / "daily_model" / "definition.yaml"
    done = subprocess.run([sys.executable, "-c", PARSE, str(example)], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_airflow_loads_it_as_a_plugin() -> None:
    from airflow.plugins_manager import AirflowPlugin

    (found,) = entry_points(group="airflow.plugins", name="sagemaker_preload")
    assert issubclass(found.load(), AirflowPlugin)
