"""EMR steps on the embedded AWS: run if their program is installed, and refused in plain words otherwise."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from waiting import until

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.execution.local_executor import PipelineRun
from airflow_sagemaker_mlops.execution.step_run import ExecutionOptions
from airflow_sagemaker_mlops.local_aws import LocalAws
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.runs.clients import local_aws_clients

pytestmark = pytest.mark.e2e

SCRIPT = """
import os, sys, boto3
bucket, key = sys.argv[1:]
boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"counted")
print("wrote", key)
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    state_dir = tmp_path_factory.mktemp("emr")
    yield local_aws.start(state_dir)
    local_aws.stop(state_dir)


def cluster(box: LocalAws, *, keep: bool = True, steps: list[dict[str, Any]] | None = None) -> str:
    instances = {"InstanceCount": 1, "MasterInstanceType": "m5.xlarge", "KeepJobFlowAliveWhenNoSteps": keep}
    made = box.client("emr").run_job_flow(Name="c", Instances=instances, Steps=steps or [])
    return str(made["JobFlowId"])


def command(*words: str, on_failure: str = "CONTINUE", name: str = "step") -> dict[str, Any]:
    jar = {"Jar": "command-runner.jar", "Args": list(words)}
    return {"Name": name, "ActionOnFailure": on_failure, "HadoopJarStep": jar}


def ended(box: LocalAws, where: str, step: str) -> dict[str, Any]:
    def status() -> dict[str, Any]:
        found: dict[str, Any] = box.client("emr").describe_step(ClusterId=where, StepId=step)["Step"]
        return found if found["Status"]["State"] in ("COMPLETED", "FAILED", "CANCELLED") else {}

    return until(status, f"step {step} does not end", every_s=0.2)


def test_a_script_from_s3_runs_and_calls_the_embedded_aws(box: LocalAws) -> None:
    client = box.client("emr")
    box.client("s3").put_object(Bucket=box.bucket, Key="code/count.py", Body=SCRIPT)
    where = cluster(box)
    words = ("python3", f"s3://{box.bucket}/code/count.py", box.bucket, "counted.txt")
    (step,) = client.add_job_flow_steps(JobFlowId=where, Steps=[command(*words)])["StepIds"]
    assert ended(box, where, step)["Status"]["State"] == "COMPLETED"
    assert box.client("s3").get_object(Bucket=box.bucket, Key="counted.txt")["Body"].read() == b"counted"


def test_steps_of_a_cluster_run_in_order_and_a_failed_step_cancels_the_later_ones(
    box: LocalAws,
) -> None:
    client = box.client("emr")
    where = cluster(box)
    steps = [
        command("sh", "-c", "exit 0", name="first"),
        command("sh", "-c", "exit 7", name="second", on_failure="CANCEL_AND_WAIT"),
        command("sh", "-c", "exit 0", name="third"),
    ]
    names = client.add_job_flow_steps(JobFlowId=where, Steps=steps)["StepIds"]
    states = [ended(box, where, name)["Status"] for name in names]
    assert [state["State"] for state in states] == ["COMPLETED", "FAILED", "CANCELLED"]
    assert states[1]["FailureDetails"]["Reason"] == "Step failed with exit code 7"
    assert states[1]["Timeline"]["StartDateTime"] >= states[0]["Timeline"]["EndDateTime"]
    assert client.describe_cluster(ClusterId=where)["Cluster"]["Status"]["State"] == "WAITING"


def test_a_missing_program_is_named_with_advice(box: LocalAws) -> None:
    client = box.client("emr")
    where = cluster(box)
    (step,) = client.add_job_flow_steps(JobFlowId=where, Steps=[command("no-such-submit")])["StepIds"]
    reason = ended(box, where, step)["Status"]["FailureDetails"]["Reason"]
    assert reason.startswith("no-such-submit is not on the PATH of the embedded AWS: install it, or declare a stub")


def test_an_unknown_cluster_is_refused_with_advice(box: LocalAws) -> None:
    client = box.client("emr")
    with pytest.raises(client.exceptions.InvalidRequestException, match=r"'j-1' is not valid\. .* declare a stub"):
        client.list_steps(ClusterId="j-1")


def test_cancelling_a_step_ends_its_command_and_a_terminated_cluster_accepts_no_steps(box: LocalAws) -> None:
    client = box.client("emr")
    where = cluster(box)
    (step,) = client.add_job_flow_steps(JobFlowId=where, Steps=[command("sleep", "600")])["StepIds"]
    assert client.describe_step(ClusterId=where, StepId=step)["Step"]["Status"]["State"] == "RUNNING"
    told = client.cancel_steps(ClusterId=where, StepIds=[step])["CancelStepsInfoList"]
    assert told == [{"StepId": step, "Status": "SUBMITTED"}]
    assert ended(box, where, step)["Status"]["State"] == "CANCELLED"
    client.terminate_job_flows(JobFlowIds=[where])
    with pytest.raises(client.exceptions.InvalidRequestException, match="may not be modified"):
        client.add_job_flow_steps(JobFlowId=where, Steps=[command("true")])


def test_steps_are_listed_by_id_and_a_cluster_that_ended_by_itself_accepts_none(box: LocalAws) -> None:
    client = box.client("emr")
    where = cluster(box, keep=False)
    client.add_job_flow_steps(JobFlowId=where, Steps=[command("true", name="a"), command("true", name="b")])
    steps = {step["Name"]: step["Id"] for step in client.list_steps(ClusterId=where)["Steps"]}
    (found,) = client.list_steps(ClusterId=where, StepIds=[steps["a"]])["Steps"]
    assert found["Id"] == steps["a"]
    for step in steps.values():
        ended(box, where, step)
    with pytest.raises(client.exceptions.InvalidRequestException, match="may not be modified"):
        client.add_job_flow_steps(JobFlowId=where, Steps=[command("true")])


@pytest.mark.parametrize("words", [["sh", "-c", "exit 0"], ["sh", "-c", "exit 3"]])
def test_a_pipeline_with_a_cluster_of_its_own_ends_as_the_command_does(box: LocalAws, words: list[str]) -> None:
    instances = {"InstanceCount": 1, "MasterInstanceType": "m5.xlarge"}
    arguments = {
        "ClusterConfig": {"Instances": instances, "ReleaseLabel": "emr-6.6.0", "JobFlowRole": "r", "ServiceRole": "s"},
        "StepConfig": {"HadoopJarStep": {"Jar": "command-runner.jar", "Args": words}},
    }
    document = {"Version": "2020-12-01", "Steps": [{"Name": "Count", "Type": "EMR", "Arguments": arguments}]}
    done = PipelineRun(
        plan=make_plan(load_pipeline(document)),
        pipeline="counts",
        run_id=uuid.uuid4().hex,
        aws=local_aws_clients(box),
        parameters={},
        options=ExecutionOptions(poll_interval_s=0.2),
        notify=lambda _step, _line: None,
    )
    asyncio.run(done.run())
    assert done.steps["Count"].state == ("Succeeded" if words[-1] == "exit 0" else "Failed")
