"""Whole DAG runs on a real scheduler and triggerer, with the embedded AWS: both start modes, a failure, loops."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from airflow_deployment import ENDED, PATIENCE_S, Deployment, jobs_of

from airflow_sagemaker_mlops.airflow_versions import STARTS_IN_TRIGGERER
from airflow_sagemaker_mlops.execution.callback_tokens import handle_of
from airflow_sagemaker_mlops.execution.identity import execution_id
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.xcom_keys import CALLBACK_PREFIX

pytestmark = pytest.mark.deployment

WAITING = ("First", "Second", "Chosen")


def test_a_pipeline_runs_the_same_either_way_in(deployment: Deployment) -> None:
    runs = {dag_id: deployment.trigger(dag_id, {"Mode": "fast"}) for dag_id in ("in-triggerer", "in-worker")}
    for dag_id, run_id in runs.items():
        state, states = deployment.wait(dag_id, run_id)
        assert states == {
            "First": "success",
            "Second": "success",
            "Which": "success",
            "Chosen": "success",
            "Other": "skipped",
            "pipeline.status": "success",
        }
        assert state == "success"
        first = deployment.xcom(dag_id, run_id, "First")
        logs = deployment.logs(dag_id, run_id, "Second")
        assert f"saw {first['Name']} fast" in logs["triggerer"]
        assert deployment.xcom(dag_id, run_id, "Which")["Decision"]["Sentence"] == 'True: Mode "fast" = "fast" is true'
        request = deployment.xcom(dag_id, run_id, "First", "request")
        assert request["ProcessingJobName"] == first["Name"]
        assert first["Properties"] == {"ProcessingJobName": first["Name"]}
        workers = [name for name in WAITING if "worker" in deployment.logs(dag_id, run_id, name)]
        assert workers == ([] if dag_id == "in-triggerer" and STARTS_IN_TRIGGERER else list(WAITING))


def test_a_step_that_begins_in_the_triggerer_has_the_values_that_its_run_rendered(deployment: Deployment) -> None:
    given = {"rendered": {}, "by conf": {"Mode": "slow"}, "misspelt": {"Mood": "slow"}}
    runs = {name: deployment.trigger("rendered", conf) for name, conf in given.items()}
    for name, mode in (("rendered", "fast"), ("by conf", "slow")):
        state, _ = deployment.wait("rendered", runs[name])
        assert state == "success"
        assert f" {mode}" in deployment.logs("rendered", runs[name], "Second")["triggerer"]
    state, states = deployment.wait("rendered", runs["misspelt"])
    assert (state, states["pipeline.parameters"], states["First"]) == ("failed", "failed", "upstream_failed")
    run_id = deployment.trigger("in-triggerer", {"Mood": "slow"})
    state, states = deployment.wait("in-triggerer", run_id)
    assert (state, states["First"]) == ("failed", "failed")
    assert "[SM416]" in deployment.logs("in-triggerer", run_id, "First")["worker"]


def test_a_failed_job_fails_its_task_with_the_reason_and_the_run_with_the_status_task(
    deployment: Deployment, aws: LocalAws
) -> None:
    run_id = deployment.trigger("failing")
    state, states = deployment.wait("failing", run_id)
    assert state == "failed"
    assert states == {"Bad": "failed", "Behind": "upstream_failed", "pipeline.status": "failed"}
    logs = deployment.logs("failing", run_id, "Bad")
    assert "AlgorithmError" in logs["worker"]
    assert "no data today" in logs["triggerer"]
    status = deployment.xcom("failing", run_id, "pipeline.status")
    because = status.pop("Because")
    assert status == {"Status": "Failed", "Failed": ["Bad"], "Stopped": [], "NotStarted": ["Behind"], "NotTaken": []}
    assert "AlgorithmError" in because
    assert jobs_of(aws, "failing", run_id) == ["Bad"]

    # Who clears it wants it run again.
    deployment.call("/dags/failing/clearTaskInstances", {"dag_run_id": run_id, "dry_run": False, "only_failed": True})
    state, _ = deployment.wait("failing", run_id)
    assert state == "failed"
    assert jobs_of(aws, "failing", run_id) == ["Bad", "Bad"]


def test_a_step_that_runs_while_another_fails_runs_to_its_end(deployment: Deployment) -> None:
    run_id = deployment.trigger("failing-beside")
    state, states = deployment.wait("failing-beside", run_id)
    assert state == "failed"
    assert states == {
        "Bad": "failed",
        "Slow": "success",
        "Both": "upstream_failed",
        "pipeline.status": "failed",
    }
    status = deployment.xcom("failing-beside", run_id, "pipeline.status")
    assert (status["Failed"], status["Stopped"], status["NotStarted"]) == (["Bad"], [], ["Both"])


@pytest.mark.parametrize(("dag_id", "others"), [("no-new-data", ["is_new"]), ("another-way", ["which", "other"])])
def test_a_pipeline_that_was_not_to_run_is_skipped_with_what_stands_behind_it(
    deployment: Deployment, dag_id: str, others: list[str]
) -> None:
    run_id = deployment.trigger(dag_id)
    state, states = deployment.wait(dag_id, run_id)
    assert state == "success"
    skipped = {"g.Make": "skipped", "g.Then": "skipped", "g.pipeline.status": "skipped", "deploy": "skipped"}
    assert states == {**skipped, **dict.fromkeys(others, "success"), "g.pipeline.teardown": "success"}


@pytest.mark.parametrize("dag_id", ["control", "control-in-worker"])
def test_loops_handlers_operators_and_callbacks_run_in_a_deployment(
    deployment: Deployment, aws: LocalAws, dag_id: str
) -> None:
    import boto3

    run_id = deployment.trigger(dag_id)
    sqs = aws.client("sqs")
    queue = sqs.get_queue_url(QueueName="questions")["QueueUrl"]
    messages: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while not messages and time.monotonic() < deadline:
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", [])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
    message = json.loads(messages[0]["Body"])
    assert "-Each-2-" in message["arguments"]["asks"]
    # A consumer as it was written for SageMaker Pipelines: only its endpoint has changed.
    address = f"http://127.0.0.1:{deployment.port}/sagemaker-callbacks/api"
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    client = boto3.client("sagemaker", endpoint_url=address, **keys)
    with pytest.raises(client.exceptions.ClientError, match="no step waiting for the callback token AAAAAAAAAA"):
        client.send_pipeline_execution_step_success(CallbackToken="AAAAAAAAAA")
    if dag_id == "control":
        client.send_pipeline_execution_step_success(
            CallbackToken=message["token"], OutputParameters=[{"Name": "word", "Value": "fine"}]
        )
    else:
        from airflow_sagemaker_mlops.cli.callback import answer

        url = f"http://127.0.0.1:{deployment.port}"
        assert answer(message["token"], ["word=fine"], failure=None, url=url) == 0
        assert answer(message["token"], [], failure="late", url=url) == 1
    with pytest.raises(client.exceptions.ClientError, match="no step waiting"):
        client.send_pipeline_execution_step_failure(CallbackToken=message["token"])
    if STARTS_IN_TRIGGERER:  # Airflow 3.3 has a place where it outlives a retry
        store = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/Ask/state-store"
        kept = {item["key"]: item["value"] for item in deployment.call(store)["task_state_store"]}
        assert '"fine"' in kept[CALLBACK_PREFIX + handle_of(message["token"])]
    state, states = deployment.wait(dag_id, run_id)
    assert states == {
        "Load": "failed",
        "Handle.when": "success",
        "Handle": "success",
        "Never.when": "skipped",
        "Never": "skipped",
        "Loop": "success",
        "Note": "success",
        "Ask": "success",
        "Last": "success",
        "pipeline.status": "success",
    }, deployment.logs(dag_id, run_id, "Note")
    assert state == "success"
    assert deployment.xcom(dag_id, run_id, "pipeline.status")["Status"] == "CompletedWithFailures"
    loop = deployment.xcom(dag_id, run_id, "Loop")["Loop"]
    assert (loop["InputItemCount"], loop["SucceededStepCount"]) == (3, 3)
    logs = deployment.logs(dag_id, run_id, "Last")["triggerer"]
    assert "third was pipelines-" in logs
    assert "+ fine" in logs
    if dag_id == "control":
        for name in ("Loop", "Ask"):
            assert ("worker" in deployment.logs(dag_id, run_id, name)) is not STARTS_IN_TRIGGERER


def test_hand_written_tasks_stand_around_a_pipeline_and_read_its_properties(deployment: Deployment) -> None:
    run_id = deployment.trigger("mixed")
    state, states = deployment.wait("mixed", run_id)
    group = {"g.Make": "success", "g.pipeline.status": "success", "g.pipeline.teardown": "success"}
    assert states == {"before": "success", **group, "after": "success"}
    assert state == "success"
    made = deployment.xcom("mixed", run_id, "g.Make")["Name"]
    assert deployment.xcom("mixed", run_id, "after") == f"made by {made}"


def test_so_many_steps_run_at_a_time_though_they_hold_no_worker(deployment: Deployment, aws: LocalAws) -> None:
    client, steps = aws.client("sagemaker"), [f"W{i}" for i in range(5)]
    # One after the other: two jobs of a run wait for each other, and a small machine runs two jobs at a time.
    for dag_id in ("two-at-a-time", "two-at-a-time-in-worker"):
        run_id = deployment.trigger(dag_id)
        state, states = deployment.wait(dag_id, run_id)
        assert state == "success", states
        names = [deployment.xcom(dag_id, run_id, step)["Name"] for step in steps]
        jobs = [client.describe_processing_job(ProcessingJobName=name) for name in names]
        ends = [(job["CreationTime"], 1) for job in jobs] + [(job["ProcessingEndTime"], -1) for job in jobs]
        running = most = 0
        for _, change in sorted(ends):
            running += change
            most = max(most, running)
        assert most == 2
        in_worker = [step for step in steps if "worker" in deployment.logs(dag_id, run_id, step)]
        assert in_worker == ([] if dag_id == "two-at-a-time" and STARTS_IN_TRIGGERER else steps)


def test_a_mapped_step_is_a_job_for_each_of_its_instances(deployment: Deployment, aws: LocalAws) -> None:
    run_id = deployment.trigger("mapped")
    state, states = deployment.wait("mapped", run_id)
    assert states["stop"] == "success"
    assert (state, jobs_of(aws, "mapped", run_id)) == ("success", ["each"] * 3)


def test_a_mapped_step_is_retried_and_stopped_as_any_other(deployment: Deployment, aws: LocalAws) -> None:
    unlucky, overdue = deployment.trigger("mapped-unlucky"), deployment.trigger("mapped-overdue")
    state, states = deployment.wait("mapped-unlucky", unlucky)
    assert (state, states["stop"]) == ("failed", "success")
    assert jobs_of(aws, "mapped-unlucky", unlucky) == ["each"] * 3  # one succeeds, the other is made again once
    assert deployment.wait("mapped-overdue", overdue)[0] == "failed"
    named = {"NameContains": execution_id("mapped-overdue", overdue)}
    ended = aws.client("sagemaker").list_processing_jobs(**named)["ProcessingJobSummaries"]
    # On a busy machine, the worker's part alone may take longer than the timeout; the attempt after it has another job.
    assert len(ended) >= 2
    assert {job["ProcessingJobStatus"] for job in ended} == {"Stopped"}


def test_a_loop_of_a_thousand_items_makes_a_thousand_resources(deployment: Deployment, aws: LocalAws) -> None:
    run_id = deployment.trigger("thousand")
    state, states = deployment.wait("thousand", run_id)
    assert state == "success", states
    client = aws.client("sagemaker")
    pages = client.get_paginator("list_models").paginate(NameContains=execution_id("thousand", run_id))
    names = {int(model["ModelName"].split("-")[3]): model["ModelName"] for page in pages for model in page["Models"]}
    assert sorted(names) == list(range(1000))
    for index in range(0, 1000, 111):
        found = client.describe_model(ModelName=names[index])
        assert found["PrimaryContainer"]["Environment"]["NUMBER"] == str(index)
    assert ("worker" in deployment.logs("thousand", run_id, "Thousand")) is not STARTS_IN_TRIGGERER


def _lose_the_machine(aws: LocalAws, run: str) -> None:
    """Kill the processes of the run's jobs, as when the service loses the machine under them."""
    found = aws.client("sagemaker").list_processing_jobs(NameContains=run, StatusEquals="InProgress")
    for job in found["ProcessingJobSummaries"]:
        folder = Path(aws.state_dir) / "jobs" / "processing" / job["ProcessingJobName"]
        status = json.loads((folder / "status.json").read_text())
        if status.get("child"):
            for group in (status["pid"], status["child"]):
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)


def test_a_retry_policy_has_another_job_made_wherever_the_step_began(deployment: Deployment, aws: LocalAws) -> None:
    runs = {dag_id: deployment.trigger(dag_id) for dag_id in ("unlucky", "unlucky-in-worker")}
    deadline = time.monotonic() + PATIENCE_S
    while any(deployment.state(dag_id, run_id) not in ENDED for dag_id, run_id in runs.items()):
        assert time.monotonic() < deadline, {
            dag_id: deployment.states(dag_id, run_id) for dag_id, run_id in runs.items()
        }
        time.sleep(0.5)
        for dag_id, run_id in runs.items():
            _lose_the_machine(aws, execution_id(dag_id, run_id))
    for dag_id, run_id in runs.items():
        state, states = deployment.wait(dag_id, run_id)
        assert (state, states["Long"]) == ("failed", "failed"), deployment.logs(dag_id, run_id, "Long")
        attempts = 1 if STARTS_IN_TRIGGERER else deployment.tries(dag_id, run_id, "Long")
        # Before Airflow 3.3, an attempt that a busy machine lost takes the count of its retries with it.
        assert 2 <= len(jobs_of(aws, dag_id, run_id)) <= 2 * attempts
        assert "InternalServerError" in deployment.logs(dag_id, run_id, "Long")["worker"]
