"""Fetches a model and runs its server: ``python -m airflow_sagemaker_mlops.local_aws.serving.supervisor FOLDER``."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..container.interpreter import base_environment, interpreter_for
from ..container.job_folder import JobError, JobFolder
from ..container.sandbox import Sandbox, choose_sandbox
from ..container.transfer import fetch_archive
from ..processes import start_of
from . import write

INFERENCE = Path(__file__).with_name("inference.py")
START_S = 120.0


def main() -> None:
    """Serve the model until killed."""
    folder = Path(sys.argv[1])
    try:
        process, port, key = _start(folder)
    except JobError as error:
        write(folder, {**_processes(), "status": "Failed", "failure_reason": str(error)})
        return
    write(folder, {**_processes(process), "status": "InService", "port": port, "key": key})
    process.wait()


def _processes(model: subprocess.Popen[bytes] | None = None) -> dict[str, int]:
    """The processes to stop: this one, and the model's once it runs."""
    own = {"pid": os.getpid(), "pid_start": start_of(os.getpid())}
    return own if model is None else {**own, "child": model.pid, "child_start": start_of(model.pid)}


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], int, str]:
    data = json.loads((folder / "request.json").read_text())
    containers, env = data["containers"], data["env"]
    if len(containers) != 1:
        raise JobError("ClientError: inference pipelines of several containers are not available in the embedded AWS")
    container: dict[str, Any] = containers[0]
    state_dir = _state_dir(folder)
    root = folder / "opt_ml"
    model = root / "model"
    model.mkdir(parents=True, exist_ok=True)
    sandbox = choose_sandbox(state_dir, root)
    job_folder = JobFolder(folder, _job_data(env, state_dir))
    if container.get("ModelDataUrl") and not any(model.iterdir()):
        fetch_archive(job_folder, container["ModelDataUrl"], model)
        sandbox.rewrite_code(model / "code")
    environment = dict(container.get("Environment") or {})
    submit = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submit.startswith("s3://"):
        fetch_archive(job_folder, submit, model / "code")
        sandbox.rewrite_code(model / "code")
    return _serve(folder, sandbox, container, {**env, "AWS_ENDPOINT_URL": job_folder.endpoint_url, **environment})


def _serve(
    folder: Path, sandbox: Sandbox, container: Mapping[str, object], environment: dict[str, str]
) -> tuple[subprocess.Popen[bytes], int, str]:
    interpreter = interpreter_for(_state_dir(folder), str(container.get("Image") or ""))
    script = sandbox.root / "inference_server.py"
    script.write_text(INFERENCE.read_text())
    port_file = sandbox.root / "port"
    port_file.unlink(missing_ok=True)
    key = secrets.token_urlsafe(24)
    variables = {
        **base_environment(folder, interpreter.python, {}),
        **environment,
        "SAGEMAKER_MLOPS_MODEL_DIR": "/opt/ml/model",
        "SAGEMAKER_MLOPS_PORT_FILE": "/opt/ml/port",
        "SAGEMAKER_MLOPS_SERVER_KEY": key,
    }
    command = sandbox.command([interpreter.python, "/opt/ml/inference_server.py"])
    process = subprocess.Popen(command, cwd=sandbox.root, env=sandbox.environment(variables))
    write(folder, {**_processes(process), "status": "Creating"})
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if port_file.exists() and port_file.read_text() and _answers_ping(int(port_file.read_text())):
            return process, int(port_file.read_text()), key
        time.sleep(0.02)
    if process.poll() is None:
        process.kill()
    reason = (folder / "log").read_text(errors="replace").strip().splitlines()[-1:] or ["it did not answer"]
    raise JobError(f"ClientError: the model server did not start: {reason[0]}")


def _answers_ping(port: int) -> bool:
    """Whether the container says that it is ready: GET /ping is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _state_dir(folder: Path) -> Path:
    """The state folder, which contains ``config.json``, above the folder of an endpoint or a job."""
    for parent in folder.parents:
        if (parent / "config.json").exists():
            return parent
    return folder


def _job_data(env: dict[str, str], state_dir: Path) -> dict[str, Any]:
    return {
        "name": "model",
        "region": env["AWS_REGION"],
        "endpoint_url": env["AWS_ENDPOINT_URL"],
        "access_key": env["AWS_ACCESS_KEY_ID"],
        "secret_key": env["AWS_SECRET_ACCESS_KEY"],
        "state_dir": str(state_dir),
        "request": {},
    }


if __name__ == "__main__":
    main()
