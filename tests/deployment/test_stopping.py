"""Ending tasks and runs in a deployment, by any means, leaves no job running."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from airflow_deployment import PATIENCE_S, Deployment

from airflow_sagemaker_mlops.execution.identity import execution_id
from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.deployment


def jobs_of(aws: LocalAws, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    """The processing jobs of a run, by the run's id in their names, the oldest first."""
    named = {"NameContains": execution_id(dag_id, run_id), "SortBy": "CreationTime", "SortOrder": "Ascending"}
    found = aws.client("sagemaker").list_processing_jobs(**named, MaxResults=100)
    return list(found["ProcessingJobSummaries"])


def test_clearing_a_waiting_step_stops_its_job_and_makes_one_new(deployment: Deployment, aws: LocalAws) -> None:
    run_id = deployment.trigger("long")

    def jobs() -> list[dict[str, Any]]:
        return jobs_of(aws, "long", run_id)

    def until(check: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not check():
            assert time.monotonic() < deadline, [(j["ProcessingJobName"], j["ProcessingJobStatus"]) for j in jobs()]
            time.sleep(0.5)

    # Not while it is in a worker: Airflow 3.0.6 leaves a task that is cleared there "restarting" for ever (its #55045).
    until(lambda: len(jobs()) == 1 and deployment.states("long", run_id)["Long"] == "deferred")
    deployment.call("/dags/long/clearTaskInstances", {"dag_run_id": run_id, "dry_run": False, "only_failed": False})
    until(lambda: len(jobs()) == 2 and jobs()[0]["ProcessingJobStatus"] == "Stopped")
    deployment.call(f"/dags/long/dagRuns/{run_id}/taskInstances/Long", {"new_state": "failed"}, "PATCH")
    until(lambda: jobs()[1]["ProcessingJobStatus"] == "Stopped")
    assert len(jobs()) == 2


def test_a_group_that_has_ended_leaves_the_jobs_of_its_neighbour_alone(deployment: Deployment) -> None:
    run_id = deployment.trigger("neighbours")
    state, states = deployment.wait("neighbours", run_id)
    assert state == "success", states
    tasks = deployment.call(f"/dags/neighbours/dagRuns/{run_id}/taskInstances")["task_instances"]
    ends = {task["task_id"]: task["end_date"] for task in tasks}
    assert ends["quick.pipeline.status"] < ends["slow.Slow"]


def test_a_run_that_is_marked_failed_leaves_no_job_running(deployment: Deployment, aws: LocalAws) -> None:
    runs = {dag_id: deployment.trigger(dag_id) for dag_id in ("long", "long-group")}

    def running(dag_id: str) -> list[str]:
        jobs = jobs_of(aws, dag_id, runs[dag_id])
        return [job["ProcessingJobName"] for job in jobs if job["ProcessingJobStatus"] == "InProgress"]

    deadline = time.monotonic() + PATIENCE_S
    while not all(running(dag_id) for dag_id in runs) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert [len(running(dag_id)) for dag_id in runs] == [1, 1]
    for dag_id, run_id in runs.items():
        deployment.call(f"/dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"}, "PATCH")
    for dag_id, run_id in runs.items():
        state, states = deployment.wait(dag_id, run_id)
        assert state == "failed"
        assert running(dag_id) == []
        group = "g." if dag_id == "long-group" else ""
        # A group's status task is skipped, and the teardown concludes, unless the status task was on its way already.
        last = "pipeline.teardown" if states[group + "pipeline.status"] == "skipped" else "pipeline.status"
        assert states[group + "Long"] == "failed"
        assert states[group + "Then"] == "skipped"
        assert states[group + last] == "failed"
        status = deployment.xcom(dag_id, run_id, group + last)
        assert status["Failed"] == [f"{group}Long"]


def test_a_run_that_is_marked_failed_while_nothing_runs_does_not_end_well(deployment: Deployment) -> None:
    deployment.call("/pools", {"name": "closed", "slots": 0})
    run_id = deployment.trigger("held")
    deadline = time.monotonic() + PATIENCE_S
    while deployment.states("held", run_id).get("Quick") != "success" and time.monotonic() < deadline:
        time.sleep(0.3)
    deployment.call(f"/dags/held/dagRuns/{run_id}", {"state": "failed"}, "PATCH")
    state, states = deployment.wait("held", run_id)
    assert states == {"Quick": "success", "Held": "skipped", "pipeline.status": "failed"}
    assert state == "failed"
    assert deployment.xcom("held", run_id, "pipeline.status")["Stopped"] == ["Held"]


def test_a_step_that_takes_too_long_is_stopped_and_fails_with_the_reason(deployment: Deployment, aws: LocalAws) -> None:
    runs = {dag_id: deployment.trigger(dag_id) for dag_id in ("overdue", "overdue-in-worker")}
    for dag_id, run_id in runs.items():
        state, states = deployment.wait(dag_id, run_id)
        assert (state, states["Long"]) == ("failed", "failed")
        log = deployment.logs(dag_id, run_id, "Long")["worker"]
        assert re.search(r'Step \\"Long\\": not finished within execution_timeout \(0:00:\d\d\); pipelines-', log)
        # On a busy machine the worker itself may run out of time: then Airflow retries the step, with another job.
        assert {job["ProcessingJobStatus"] for job in jobs_of(aws, dag_id, run_id)} == {"Stopped"}


def test_a_run_that_takes_too_long_leaves_no_job_running(deployment: Deployment, aws: LocalAws) -> None:
    run_id = deployment.trigger("overdue-run")
    state, _states = deployment.wait("overdue-run", run_id)
    assert state == "failed"
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        statuses = [job["ProcessingJobStatus"] for job in jobs_of(aws, "overdue-run", run_id)]
        if statuses == ["Stopped"]:
            break
        time.sleep(0.5)
    assert statuses == ["Stopped"]
