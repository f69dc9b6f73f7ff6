"""``ChampionGateOperator`` in a DAG without a definition, by ``dag.test()`` on the embedded AWS."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.local_aws import LocalAws

CODE = """
import sys
from airflow.sdk import DAG, task
from airflow_sagemaker_mlops.operators import ChampionGateOperator

bucket, role, start_in = sys.argv[1:]
with DAG("gates", schedule=None) as dag:
    is_better = ChampionGateOperator(
        task_id="is_better",
        predictions=f"s3://{bucket}/predictions",
        rules=[{"Metric": "auc", "Must": "improve"}],
        job={"ImageUri": "python:3", "RoleArn": role},
        poll_interval_s=1,
        start_in=start_in,
    )

    @task.branch
    def decide(result):
        return {"promote": "deploy"}.get(result["Properties"]["Verdict"], "keep")

    @task
    def deploy(): ...

    @task
    def keep(): ...

    decide(is_better.output) >> [deploy(), keep()]

if __name__ == "__main__":
    run = dag.test()
    print("STATES", run.state, sorted((ti.task_id, ti.state) for ti in run.get_task_instances()))
"""


@pytest.mark.airflow
@pytest.mark.usefixtures("airflow_db")
def test_the_operators_verdict_decides_the_branch_of_a_dag(aws: LocalAws, tmp_path: Path) -> None:
    bucket, chance = f"b{uuid.uuid4().hex}", random.Random(1)
    rows = [(i, i % 2, 2 * (i % 2) + chance.gauss(0, 1), chance.gauss(0, 1)) for i in range(400)]
    text = "".join(f"{','.join(map(str, row))}\n" for row in [("id", "label", "candidate", "champion"), *rows])
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_object(Bucket=bucket, Key="predictions/p.csv", Body=text.encode())
    (tmp_path / "gates.py").write_text(CODE)
    environment = {
        **os.environ,
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "gates.py", bucket, aws.role_arn, "worker"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    states = (
        "STATES success [('decide', 'success'), ('deploy', 'success'), ('is_better', 'success'), ('keep', 'skipped')]"
    )
    assert states in done.stdout, (done.stdout + done.stderr)[-5000:]
