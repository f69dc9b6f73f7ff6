"""Runs of a pipeline in a mapped task group, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import processing

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.index import read_index
from airflow_sagemaker_mlops.records.store.reader import read_record
from airflow_sagemaker_mlops.records.verify.chain import verify

pytestmark = pytest.mark.airflow

CODE = """
import json
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, task, task_group
from airflow_sagemaker_mlops import SageMakerPipelineTaskGroup

groups = []
with DAG("per-customer", schedule=None) as dag:

    @task
    def customers():
        return ["blue", "green"]

    @task
    def check(customer):
        if customer == "green":
            raise ValueError("green has not signed")

    @task_group
    def each(customer):
        group = SageMakerPipelineTaskGroup("ml", definition="pipeline.json", poll_interval_s=1, records="{records}")
        groups.append(group)
        group.step_tasks["Load"] >> check(customer) >> group.step_tasks["Last"]

    spread = each.expand(customer=customers())
    spread >> PythonOperator(
        task_id="after",
        python_callable=lambda names: open("seen.json", "w").write(json.dumps(names)),
        op_args=[groups[0].property_of("Load", "ProcessingJobName")],
        trigger_rule="all_done",
    )

if __name__ == "__main__":
    run = dag.test()
    states = {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in run.get_task_instances()}
    print("ENDED", json.dumps({"run": run.run_id, "state": run.state, "states": states}))
"""


def step(aws: LocalAws, name: str, **environment: Any) -> dict[str, Any]:
    return processing(aws.role_arn, name, "true", arguments={"Environment": environment})


@pytest.mark.usefixtures("airflow_db")
def test_every_instance_of_a_mapped_group_is_a_run_of_its_own(aws: LocalAws, tmp_path: Path) -> None:
    made = {"Get": "Steps.Load.ProcessingJobName"}
    branches = {
        "Conditions": [{"Type": "Equals", "LeftValue": made, "RightValue": "another"}],
        "IfSteps": [step(aws, "Other")],
        "ElseSteps": [step(aws, "Use", SEEN=made)],
    }
    loop = {"IterableItems": ["a", "b"], "MaxConcurrency": 2, "ForEachBody": [step(aws, "Each")]}
    steps = [
        step(aws, "Load"),
        {"Name": "Good", "Type": "Condition", "Arguments": branches},
        {"Name": "Loop", "Type": "ForEach", "Arguments": loop},
        step(aws, "Last"),
    ]
    (tmp_path / "pipeline.json").write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    (tmp_path / "mapped.py").write_text(CODE.replace("{records}", str(tmp_path / "records")))
    environment = {
        **os.environ,
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
    }
    given: dict[str, Any] = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "mapped.py"], **given, timeout=280, check=False)
    ended = [line for line in done.stdout.splitlines() if line.startswith("ENDED")]
    assert ended, (done.stdout + done.stderr)[-5000:]
    end = json.loads(ended[0].removeprefix("ENDED"))
    states = {name.removeprefix("each.ml."): state for name, state in end["states"].items()}
    assert end["state"] == "failed"  # a task of the user has failed for the second customer
    assert [(states[f"{name}[0]"], states[f"{name}[1]"]) for name in ("Use", "Other", "Last", "pipeline.status")] == [
        ("success", "success"),
        ("skipped", "skipped"),
        ("success", "upstream_failed"),
        ("success", "failed"),
    ]
    store, pipeline = FolderStore(tmp_path / "records"), "per-customer.each.ml"
    names = [f"{end['run']}[0]", f"{end['run']}[1]"]
    assert sorted(read_index(store, pipeline).summaries) == names
    assert not verify(store, pipeline).findings
    records = [read_record(store, pipeline, name) for name in names]
    assert [(record["run"]["status"], record["run"]["map_index"]) for record in records] == [
        ("Succeeded", 0),
        ("Failed", 1),
    ]
    jobs = [
        {step["step"]: step["attempts"][0]["name"] for step in record["steps"] if step.get("attempts")}
        for record in records
    ]
    used = [next(step for step in record["steps"] if step["step"] == "Use") for record in records]
    assert [step["request"]["Environment"]["SEEN"] for step in used] == [own["Load"] for own in jobs]
    assert not set(jobs[0].values()) & set(jobs[1].values())
    assert {"Each-0", "Each-1"} <= jobs[0].keys() & jobs[1].keys()
    assert json.loads((tmp_path / "seen.json").read_text()) == [own["Load"] for own in jobs]
