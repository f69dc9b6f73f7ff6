"""Requests a prediction for one real record, once the endpoint serves the new configuration."""

from __future__ import annotations

import time
from typing import Any

import boto3

MOST_WAIT_S = 540


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """``{"endpoint_name", "endpoint_config_name", "records"}`` -> ``{"score", "label"}`` of the first record."""
    client = boto3.client("sagemaker")
    deadline = time.monotonic() + MOST_WAIT_S
    while True:
        found = client.describe_endpoint(EndpointName=event["endpoint_name"])
        status, config = found["EndpointStatus"], found["EndpointConfigName"]
        if status == "InService" and config == event["endpoint_config_name"]:
            break
        if status == "Failed" or time.monotonic() > deadline:
            raise RuntimeError(f"{event['endpoint_name']} is {status} with {config}: {found.get('FailureReason', '')}")
        time.sleep(0.25)
    bucket, _, key = event["records"].removeprefix("s3://").partition("/")
    text = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    record = text.splitlines()[1].split(",")
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=event["endpoint_name"], ContentType="text/csv", Body=",".join(record[:-1])
    )
    return {"score": float(answer["Body"].read().decode().strip()), "label": float(record[-1])}
