"""Without OpenLineage's provider, nothing is imported, sent or logged."""

from __future__ import annotations

import subprocess
import sys


def test_nothing_is_reported_and_nothing_fails_where_the_provider_is_not_installed() -> None:
    code = """
import sys
from types import SimpleNamespace
import airflow  # which loads the entry points of all providers; a provider that is not installed has none

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "openlineage" or name.startswith(("openlineage.", "airflow.providers.openlineage")):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.modules["airflow.providers.openlineage"] = None  # as find_spec sees a package that is not there
sys.meta_path.insert(0, Missing())
from airflow_sagemaker_mlops.integrations.openlineage import emit_for_steps

said = []
record = {"run": {"dag_id": "p", "run_id": "r"}, "steps": [{"step": "A", "status": "Succeeded"}]}
context = {"ti": SimpleNamespace(), "dag_run": SimpleNamespace()}
emit_for_steps(context, record, "", lambda *words: said.append(words))
print(said)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
