"""Runs in a deployment leave records, and later runs reuse their results if the definition requests it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from airflow_deployment import Deployment, jobs_of

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.store.open import open_store
from airflow_sagemaker_mlops.records.store.reader import read_record
from airflow_sagemaker_mlops.records.store.sealed import read_schema
from airflow_sagemaker_mlops.records.verify.chain import verify

pytestmark = pytest.mark.deployment


@pytest.mark.parametrize("dag_id", ["recorded", "recorded-in-worker"])
def test_a_run_is_recorded_and_the_next_one_takes_its_cached_result(
    deployment: Deployment, aws: LocalAws, dag_id: str
) -> None:
    store = open_store(f"s3://{aws.bucket}/records", lambda: aws.client("s3"))

    def record_of(run_id: str) -> dict[str, Any]:
        uri = deployment.xcom(dag_id, run_id, "pipeline.status")["Record"]
        assert uri.startswith(f"s3://{aws.bucket}/records/{dag_id}/records/")
        return dict(read_record(store, dag_id, run_id))

    first = deployment.trigger(dag_id, {"Size": 3})
    state, states = deployment.wait(dag_id, first)
    assert state == "success", states
    record = record_of(first)
    jsonschema.validate(record, read_schema())
    assert record["run"]["status"] == "Succeeded"
    assert record["run"]["trigger"] == "manual"
    assert record["externalParameters"]["Size"] == {"value": 3, "source": "conf"}
    assert {step["step"]: step["status"] for step in record["steps"]} == {
        "Prepare": "Succeeded",
        "Enough": "Succeeded",
        "Use": "Succeeded",
    }
    assert record["decisions"][0]["sentence"] == "True: Size 3 >= 1 is true"
    assert record["totals"]["jobs_started"] == 2
    logs = "".join(deployment.logs(dag_id, first, "Prepare").values())
    assert "the token is ***" in logs
    assert "hush-hush" not in logs + json.dumps(record)

    second = deployment.trigger(dag_id, {"Size": 0})
    state, states = deployment.wait(dag_id, second)
    assert (state, states["Use"]) == ("success", "skipped")
    assert jobs_of(aws, dag_id, second) == []
    reused = deployment.xcom(dag_id, second, "Prepare")
    assert reused["Reused"] is True
    assert reused["Name"] == deployment.xcom(dag_id, first, "Prepare")["Name"]
    record = record_of(second)
    by_step = {step["step"]: step for step in record["steps"]}
    assert by_step["Prepare"]["cache"]["result"] == "hit"
    assert by_step["Prepare"]["cache"]["source_run"] == first
    assert by_step["Use"]["status"] == "NotTaken"
    assert verify(store, dag_id).is_good

    # Who clears a step wants it to run.
    deployment.call(
        f"/dags/{dag_id}/clearTaskInstances",
        {
            "dag_run_id": second,
            "task_ids": ["Prepare"],
            "dry_run": False,
            "only_failed": False,
            "include_downstream": True,
        },
    )
    state, _states = deployment.wait(dag_id, second)
    assert state == "success"
    assert jobs_of(aws, dag_id, second) == ["Prepare"]
    assert verify(store, dag_id).is_good
