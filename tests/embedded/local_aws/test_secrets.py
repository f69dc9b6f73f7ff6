"""No process has a key on its command line, and a model server answers only its embedded AWS."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import waiting
from signed_requests import KINDS, send

from airflow_sagemaker_mlops.local_aws import LocalAws

pytestmark = pytest.mark.e2e

# Reads the command lines of all processes, as any user of the machine can.
SCAN = """
import os, subprocess, sys
def leaks():
    words = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    secrets = [os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_ACCESS_KEY_ID"]]
    return [line for line in words.splitlines() if any(secret in line for secret in secrets)]
"""
JOB = (
    "import os, subprocess, sys; words = subprocess.run(['ps', '-eww', '-oargs='], capture_output=True, text=True)"
    "; sys.exit(os.environ['AWS_SECRET_ACCESS_KEY'] in words.stdout)"
)
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1"


def until(found: Callable[[], dict[str, Any]], status: str) -> dict[str, Any]:
    def ended() -> dict[str, Any]:
        answer = found()
        return {} if answer[status] in ("InProgress", "Creating") else answer

    return waiting.until(ended, found)


@pytest.fixture(scope="module")
def endpoint(aws: LocalAws) -> str:
    """An endpoint that echoes requests; it answers ``leaks`` with the command lines that contain a key."""
    script = SCAN + "def model_fn(d): return None\ndef transform_fn(model, body, kind, accept):\n"
    script += "    return (repr(leaks()) if body == b'leaks' else body), 'application/octet-stream'\n"
    packed, name = io.BytesIO(), f"echo-{uuid.uuid4().hex[:8]}"
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(script)
        archive.addfile(info, io.BytesIO(script.encode()))
    aws.client("s3").put_object(Bucket=aws.bucket, Key=f"{name}.tar.gz", Body=packed.getvalue())
    client = aws.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{aws.bucket}/{name}.tar.gz"}
    client.create_model(ModelName=name, ExecutionRoleArn=aws.role_arn, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    found = until(lambda: client.describe_endpoint(EndpointName=name), "EndpointStatus")
    assert found["EndpointStatus"] == "InService", found
    return name


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_gets_a_request_byte_for_byte_whatever_its_content_type(
    aws: LocalAws, endpoint: str, kind: str
) -> None:
    headers, body = KINDS[kind]
    assert send(aws, "sagemaker", "POST", f"/endpoints/{endpoint}/invocations", body, headers) == (200, body)


def test_a_model_server_answers_only_its_embedded_aws(aws: LocalAws, endpoint: str) -> None:
    state = json.loads((Path(aws.state_dir) / "endpoints" / endpoint / "1" / "status.json").read_text())
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://127.0.0.1:{state['port']}/invocations", data=b"ask", timeout=30)


def test_no_command_line_of_an_endpoint_a_function_or_a_job_contains_a_key(aws: LocalAws, endpoint: str) -> None:
    path = f"/endpoints/{endpoint}/invocations"
    assert send(aws, "sagemaker", "POST", path, b"leaks", {}) == (200, b"[]")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("scan.py", SCAN + "def handler(event, context): return leaks()\n")
    aws.client("lambda").create_function(
        FunctionName="scan",
        Runtime="python3.11",
        Role=aws.role_arn,
        Handler="scan.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    assert json.load(aws.client("lambda").invoke(FunctionName="scan")["Payload"]) == []
    client, name = aws.client("sagemaker"), f"scan-{uuid.uuid4().hex[:8]}"
    client.create_processing_job(
        ProcessingJobName=name,
        RoleArn=aws.role_arn,
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "-c", JOB],
        },
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )
    found = until(lambda: client.describe_processing_job(ProcessingJobName=name), "ProcessingJobStatus")
    assert found["ProcessingJobStatus"] == "Completed", found


def test_files_with_a_key_are_readable_by_their_owner_only(aws: LocalAws, endpoint: str) -> None:
    state_dir = Path(aws.state_dir)
    holding = [path for path in state_dir.rglob("*") if path.is_file() and holds(path, aws.secret_key.encode())]
    assert state_dir / "server.json" in holding
    readable = [path for path in holding if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)]
    assert [os.fspath(path.relative_to(state_dir)) for path in readable] == []


def holds(path: Path, secret: bytes) -> bool:
    try:
        return secret in path.read_bytes()
    except OSError:  # has ended in the meantime
        return False
