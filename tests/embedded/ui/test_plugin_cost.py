"""Every Airflow process loads the plugin, so loading it must cost almost nothing."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import json, sys, time
import airflow.plugins_manager, airflow.sdk.bases.operatorlink
from airflow.models import DagRun
before, begun = set(sys.modules), time.process_time()
from airflow_sagemaker_mlops.ui.plugin import SageMakerUiPlugin
SageMakerUiPlugin.react_apps, SageMakerUiPlugin.external_views
print(json.dumps({"ms": (time.process_time() - begun) * 1000, "modules": sorted(set(sys.modules) - before)}))
"""


def test_loading_the_plugin_takes_ten_modules_and_milliseconds() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    cost = json.loads(done.stdout.splitlines()[-1])
    # From 3.4 on, Airflow loads parts of its own SDK when somebody first asks for them, as its processes do anyway.
    modules = [name for name in cost["modules"] if not name.startswith("airflow.sdk.")]
    assert len(modules) <= 10, modules
    assert not [
        name for name in cost["modules"] if name.startswith(("fastapi", "boto", "airflow_sagemaker_mlops.ui.api"))
    ]
    assert cost["ms"] < 100  # 15 on a machine that does nothing else
