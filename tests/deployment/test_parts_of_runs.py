"""Selective runs through the conf of a DAG run, in a deployment: both start modes, and in task groups."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow_deployment import Deployment, jobs_of

from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.records.store.open import open_store
from airflow_sagemaker_mlops.records.store.reader import read_record

pytestmark = pytest.mark.deployment

BOTH = ("parts", "parts-in-worker")
OWNER = {"Owner": "me"}  # without a default, so Airflow wants it of every run


def runs(deployment: Deployment, conf: dict[str, Any]) -> dict[str, str]:
    """A run of each DAG with ``conf``, all at once; {DAG: run id}."""
    return {dag_id: deployment.trigger(dag_id, {**OWNER, **conf}) for dag_id in BOTH}


def test_a_part_of_a_pipeline_runs_on_results_of_an_earlier_run(deployment: Deployment, aws: LocalAws) -> None:
    store = open_store(f"s3://{aws.bucket}/records", lambda: aws.client("s3"))

    def statuses(dag_id: str, run_id: str) -> dict[str, str]:
        return {step["step"]: step["status"] for step in read_record(store, dag_id, run_id)["steps"]}

    # All of it, and a step fails.
    first = runs(deployment, {"Mode": "fast"})
    for dag_id, run_id in first.items():
        _state, states = deployment.wait(dag_id, run_id)
        assert (states["Train"], states["Handle"], states["Use"]) == ("failed", "success", "upstream_failed"), states
        assert jobs_of(aws, dag_id, run_id) == ["Aside", "Handle", "Load", "Train"]

    # On with it, with another Size; Mode is inherited.
    second = runs(deployment, {"pipeline.resume": "latest", "Size": 2})
    for dag_id, run_id in second.items():
        state, states = deployment.wait(dag_id, run_id)
        assert states == {
            "Load": "success",
            "Note": "skipped",
            "Train": "success",
            "Handle.when": "skipped",
            "Handle": "skipped",
            "Good": "success",
            "Use": "success",
            "Other": "skipped",
            "Aside": "skipped",
            "pipeline.status": "success",
        }
        assert state == "success"
        assert jobs_of(aws, dag_id, run_id) == ["Train", "Use"]
        loaded = deployment.xcom(dag_id, run_id, "Load")
        assert loaded["SelectiveExecutionResult"] == {"SourceRun": first[dag_id]}
        logs = "".join(deployment.logs(dag_id, run_id, "Train").values())
        assert f"saw {loaded['Name']} fast" in logs
        record = read_record(store, dag_id, run_id)
        assert record["externalParameters"]["Mode"] == {"value": "fast", "source": "source run"}
        assert record["externalParameters"]["Size"] == {"value": 2, "source": "conf"}
        by_step = {step["step"]: step for step in record["steps"]}
        assert by_step["Load"]["cache"]["result"] == "reused"
        assert by_step["Load"]["cache"]["source_run"] == first[dag_id]
        assert (by_step["Aside"]["status"], by_step["Other"]["status"]) == ("NotSelected", "NotTaken")
        status = deployment.xcom(dag_id, run_id, "pipeline.status")
        assert (status["Status"], status["NotSelected"]) == ("Succeeded", ["Aside", "Note"])

    # A step of a branch, on results that are results of results; the condition is reused with its decision.
    third = runs(deployment, {"pipeline.select": ["Us*"], "Size": 2, "Mode": "fast"})
    for dag_id, run_id in third.items():
        state, states = deployment.wait(dag_id, run_id)
        assert {name for name, end in states.items() if end == "success"} == {
            "Load",
            "Train",
            "Good",
            "Use",
            "pipeline.status",
        }
        assert state == "success"
        assert jobs_of(aws, dag_id, run_id) == ["Use"]
        trained = deployment.xcom(dag_id, second[dag_id], "Train")["Name"]
        assert f"used {trained}" in "".join(deployment.logs(dag_id, run_id, "Use").values())
        assert statuses(dag_id, run_id) == {
            **dict.fromkeys(("Load", "Train", "Good", "Use"), "Succeeded"),
            **dict.fromkeys(("Note", "Handle", "Other", "Aside"), "NotSelected"),
        }

    # Who clears it all has the same part run again, though the latest run is another one now.
    dag_id, run_id = "parts", third["parts"]
    body = {"dag_run_id": run_id, "dry_run": False, "only_failed": False}
    deployment.call(f"/dags/{dag_id}/clearTaskInstances", body)
    state, states = deployment.wait(dag_id, run_id)
    assert (state, states["Load"], states["Aside"]) == ("success", "success", "skipped")
    assert jobs_of(aws, dag_id, run_id) == ["Use", "Use"]
    assert deployment.xcom(dag_id, run_id, "Train")["SelectiveExecutionResult"] == {"SourceRun": second[dag_id]}


def test_what_keeps_a_part_from_running_fails_the_run_before_anything_is_started(
    deployment: Deployment, aws: LocalAws
) -> None:
    run_id = deployment.trigger("parts", {**OWNER, "pipeline.select": "Train, Usee"})
    state, states = deployment.wait("parts", run_id)
    assert state == "failed"
    assert {states[name] for name in ("Load", "Note", "Aside", "pipeline.status")} == {"failed"}
    assert {states[name] for name in ("Train", "Good", "Use")} == {"upstream_failed"}
    assert jobs_of(aws, "parts", run_id) == []
    told = json.dumps('[SM405] no step is called "Usee".')[1:-1]
    for name in ("Load", "Note", "pipeline.status"):
        assert told in deployment.logs("parts", run_id, name)["worker"], name
    assert "so nothing ran" in deployment.logs("parts", run_id, "pipeline.status")["worker"]
    status = deployment.xcom("parts", run_id, "pipeline.status")
    assert (status["Status"], status["Failed"]) == ("Failed", [])
    # It is no run that the next one could take results from.
    assert "Record" not in status


def test_each_task_group_of_a_dag_has_a_part_of_its_own(deployment: Deployment) -> None:
    run_id = deployment.trigger("two-groups", {"g.pipeline.select": "Make"})
    state, states = deployment.wait("two-groups", run_id)
    last = {f"{group}.pipeline.{task}": "success" for group in "gh" for task in ("status", "teardown")}
    assert states == {"g.Make": "success", "g.Then": "skipped", "h.Make": "success", "h.Then": "success", **last}
    assert state == "success"
    assert deployment.xcom("two-groups", run_id, "g.pipeline.status")["NotSelected"] == ["g.Then"]
