"""A plan depends on nothing but the document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

DAILY = Path(__file__).parents[3] / "dags" / "daily_model" / "definition.yaml"


def test_the_same_document_gives_the_same_plan_in_every_process() -> None:
    code = (
        "import sys; from airflow_sagemaker_mlops.definition import load_pipeline;"
        "from airflow_sagemaker_mlops.plan import make_plan; print(make_plan(load_pipeline(sys.argv[1])).to_json())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, str(DAILY)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1
    assert json.loads(texts.pop())["tasks"]


def test_document_and_plan_import_neither_airflow_nor_an_aws_sdk() -> None:
    code = (
        "import sys; import airflow_sagemaker_mlops.plan, airflow_sagemaker_mlops.plan.show,"
        "airflow_sagemaker_mlops.plan.describe,"
        "airflow_sagemaker_mlops.definition.read.line_numbers; print(*sys.modules)"
    )
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not {"airflow", "boto3", "botocore", "sagemaker", "yaml"} & loaded


def test_a_plan_without_a_gate_loads_nothing_for_one() -> None:
    document = {"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]}
    code = (
        f"import sys; from airflow_sagemaker_mlops.plan.build import plan_of; plan_of({document});"
        'print([name for name in sys.modules if ".gate." in name or "verdict_step" in name])'
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
