"""Sends the event of a job's end to EventBridge, as SageMaker does: "SageMaker Training Job State Change"."""

from __future__ import annotations

import contextlib
import json

from ..container.job_folder import JobFolder

WORDS = {"processing": "Processing", "training": "Training", "transform": "Transform"}


def send_state_change(job_folder: JobFolder, status: str) -> None:
    """Send the event; ignores failures, which do not change the job's end."""
    word = WORDS.get(str(job_folder.data["kind"]))
    if word is None:
        return
    detail = {f"{word}JobName": job_folder.name, f"{word}JobArn": job_folder.data["arn"], f"{word}JobStatus": status}
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {word} Job State Change",
        "Resources": [job_folder.data["arn"]],
        "Detail": json.dumps(detail),
    }
    with contextlib.suppress(Exception):
        job_folder.client("events").put_events(Entries=[entry])
