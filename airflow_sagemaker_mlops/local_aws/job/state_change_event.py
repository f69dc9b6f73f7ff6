"""Sends the event of a job's end to EventBridge, as SageMaker does: "SageMaker Training Job State Change"."""

from __future__ import annotations

import contextlib
import json

from .job_folder import Ticket

WORDS = {"processing": "Processing", "training": "Training", "transform": "Transform"}


def announce(ticket: Ticket, status: str) -> None:
    """Send the event; ignores failures, which do not change the job's end."""
    word = WORDS.get(str(ticket.data["kind"]))
    if word is None:
        return
    detail = {f"{word}JobName": ticket.name, f"{word}JobArn": ticket.data["arn"], f"{word}JobStatus": status}
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {word} Job State Change",
        "Resources": [ticket.data["arn"]],
        "Detail": json.dumps(detail),
    }
    with contextlib.suppress(Exception):
        ticket.client("events").put_events(Entries=[entry])
