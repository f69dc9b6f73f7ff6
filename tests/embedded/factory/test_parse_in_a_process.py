"""What parsing a DAG file imports, and that every process serializes it identically."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from airflow_names import figure_of_3_3

DAILY = Path(__file__).parents[3] / "dags" / "daily_model" / "definition.yaml"
HELPERS = Path(__file__).parents[2] / "helpers"


def test_the_same_document_serializes_alike_in_every_process() -> None:
    # With keys in order, as Airflow hashes a DAG: its serializer writes them in the order of a set.
    code = (
        "import json, sys\n"
        "from airflow_sagemaker_mlops import SageMakerPipelineDag\n"
        "from airflow_names import DagSerialization\n"
        "dag = SageMakerPipelineDag('p', sys.argv[1]); dag.fileloc = 'x'\n"
        "print(json.dumps(DagSerialization.to_dict(dag)['dag']['tasks'], sort_keys=True))\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, str(DAILY)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(HELPERS)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for seed in ("0", "1")
    }
    assert len(texts) == 1


@figure_of_3_3
def test_a_dag_file_loads_no_aws_sdk_no_provider_and_few_modules() -> None:
    code = (
        "import sys, time, airflow.sdk\n"
        "from airflow.sdk import DAG, BaseOperator, BaseOperatorLink, Param, TaskGroup\n"
        "with DAG('any', schedule=None):\n    pass\n"
        "before, begun = set(sys.modules), time.process_time()\n"
        "from airflow_sagemaker_mlops import SageMakerPipelineDag\n"
        "SageMakerPipelineDag('p', sys.argv[1])\n"
        "print(round((time.process_time() - begun) * 1000), *(set(sys.modules) - before))\n"
    )
    file = DAILY.with_suffix(".json")
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    milliseconds, *loaded = done.stdout.splitlines()[-1].split()
    forbidden = ("boto3", "botocore", "sagemaker", "moto", "airflow.providers.amazon", "yaml")
    assert not [name for name in loaded if name.split(".")[0] in forbidden or name.startswith(forbidden)]
    assert len(loaded) <= 44, sorted(loaded)  # a folder counts as well
    assert int(milliseconds) < 400  # a guard against accidents; the figure itself is measured in benchmarks/
