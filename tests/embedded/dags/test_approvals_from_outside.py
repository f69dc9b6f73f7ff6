"""Approvals that people give in the registry become events of the model asset, once each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.local_aws import LocalAws

CODE = """
import asyncio, json, os, sys
import boto3
from airflow.sdk import DAG, task
from airflow_sagemaker_mlops import approved_models_dag, model_asset

group, queue = sys.argv[1:]
dag = approved_models_dag("sweeps", group)
watching = approved_models_dag("watches", group, queue_url=queue)
approved = model_asset(group)

with DAG("pipeline", schedule=None) as pipeline:

    @task(outlets=[approved])
    def register_approved(*, outlet_events):
        outlet_events[approved].extra = {"model_package_arn": register("Approved"), "model_package_version": 3}

    register_approved()

def register(status):
    container = {"Image": "i", "ModelDataUrl": "s3://bucket/model.tar.gz"}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    how = {"ModelPackageGroupName": group, "InferenceSpecification": {"Containers": [container], **types}}
    return boto3.client("sagemaker").create_model_package(**how, ModelApprovalStatus=status)["ModelPackageArn"]

def say(what, value):
    print("SAID", json.dumps([what, value]))

def events():
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    with create_session() as session:
        query = session.query(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        found = query.filter(AssetModel.name == f"{group}/approved").order_by(AssetEvent.id).all()
        return [(e.extra["model_package_version"], e.extra.get("sentence")) for e in found]

def sweep(what):
    state = dag.test().state
    say(what, [state, events()])

async def watched(change):
    [asset] = watching.timetable.asset_condition.objects
    trigger = asset.watchers[0].trigger
    kind, kwargs = trigger.serialize()
    fired = type(trigger)(**kwargs).run()
    seen = [(await anext(fired)).payload["why"]]
    change()
    seen.append((await anext(fired)).payload["why"])
    waiting = asyncio.ensure_future(anext(fired))  # deletes the messages first
    sqs, counts = boto3.client("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    while any(map(int, sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=counts)["Attributes"].values())):
        await asyncio.sleep(0.05)
    waiting.cancel()
    return seen

if __name__ == "__main__":
    sagemaker = boto3.client("sagemaker")

    def decide(arn, status):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription="By ann.")

    sweep("no group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    first, second = register("Approved"), register("PendingManualApproval")
    sweep("one approved")
    sweep("nothing new")
    decide(second, "Approved")
    sweep("another approved")
    decide(second, "Rejected")
    sweep("rejected")
    decide(second, "Approved")
    sweep("approved again")
    pipeline.test()
    sweep("told by a pipeline")
    say("watch", asyncio.run(watched(lambda: decide(first, "Rejected"))))
"""


def queue_with_rule(aws: LocalAws, group: str) -> str:
    """URL of a queue that gets the events of ``group``, by the pattern in docs/bridges.md."""
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName=group)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved", "Rejected"]},
    }
    events.put_rule(Name=group, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=group, Targets=[{"Id": "queue", "Arn": arn}])
    return str(url)


@pytest.mark.airflow
@pytest.mark.usefixtures("airflow_db")
def test_each_approval_is_one_event_and_a_message_wakes_the_watcher(aws: LocalAws, tmp_path: Path) -> None:
    group = f"late-{uuid.uuid4().hex[:8]}"
    (tmp_path / "sweeps.py").write_text(CODE)
    environment = {
        **os.environ,
        **aws.environment(),
        "AIRFLOW_CONN_AWS_DEFAULT": aws.connection_json(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
    }
    words = [sys.executable, "sweeps.py", group, queue_with_rule(aws, group)]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    said: dict[str, Any] = dict(
        json.loads(line.removeprefix("SAID ")) for line in done.stdout.splitlines() if line.startswith("SAID ")
    )
    one, two = [1, None], [2, "By ann."]
    assert said == {
        "no group": ["success", []],
        "one approved": ["success", [one]],
        "nothing new": ["success", [one]],
        "another approved": ["success", [one, two]],
        "rejected": ["success", [one, two]],
        "approved again": ["success", [one, two, two]],
        "told by a pipeline": ["success", [one, two, two, [3, None]]],
        "watch": ["the watch began", "events"],
    }, (done.stdout + done.stderr)[-5000:]
