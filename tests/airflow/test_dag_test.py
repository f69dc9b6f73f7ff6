"""``dag.test()``: the quick way to try a pipeline, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_sagemaker_mlops import local

pytestmark = pytest.mark.airflow

CODE = """
import sys
from airflow_sagemaker_mlops import SageMakerPipelineDag
dag = SageMakerPipelineDag("tried", definition=sys.argv[1], poll_interval_s=1)
if __name__ == "__main__":
    run = dag.test()
    print("STATES", run.state, sorted((ti.task_id, ti.state) for ti in run.get_task_instances()))
"""


@pytest.mark.usefixtures("airflow_db")
def test_a_pipeline_can_be_tried_with_dag_test(aws: local.LocalAws, tmp_path: Path) -> None:
    def step(name: str, **more: object) -> dict[str, object]:
        arguments = {
            "RoleArn": aws.role_arn,
            "AppSpecification": {"ImageUri": "python:3", "ContainerEntrypoint": ["true"]},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
        }
        return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}

    document = {"Version": "2020-12-01", "Steps": [step("First"), step("Second", DependsOn=["First"])]}
    (tmp_path / "pipeline.json").write_text(json.dumps(document))
    (tmp_path / "tried.py").write_text(CODE)
    environment = {
        **os.environ,
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "tried.py", "pipeline.json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    states = [line for line in done.stdout.splitlines() if line.startswith("STATES")]
    assert states, done.stdout[-2000:] + done.stderr[-3000:]
    assert "success [('First', 'success'), ('Second', 'success'), ('pipeline.verdict', 'success')]" in states[0]
