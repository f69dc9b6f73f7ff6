"""A real Airflow for tests of whole runs: scheduler, triggerer, DAG processor and API server."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployed_pipelines import DAG_FILE, documents

from airflow_sagemaker_mlops.cli import ui
from airflow_sagemaker_mlops.cli.standalone import Standalone
from airflow_sagemaker_mlops.execution.identity import execution_id
from airflow_sagemaker_mlops.local_aws import LocalAws

ENDED = ("success", "failed")
PATIENCE_S = 600  # for what ends by itself: only a test that hangs waits as long, however busy the machine is


@dataclass
class Deployment:
    port: int
    home: Path
    token: str

    def call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        address = f"http://127.0.0.1:{self.port}/api/v2{path}".replace(
            "+", "%2B"
        )  # run ids hold one; 3.0 reads it as a space
        request = urllib.request.Request(address, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.add_note(error.read().decode(errors="replace")[:2000])
            raise

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while True:  # the DAG processor may not have read the file yet
            try:
                run = self.call(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
                return str(run["dag_run_id"])
            except urllib.error.HTTPError as error:
                if error.code != 404 or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def wait(self, dag_id: str, run_id: str, timeout_s: float = PATIENCE_S) -> tuple[str, dict[str, str]]:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            state = self.state(dag_id, run_id)
            if state in ENDED:
                return state, self.states(dag_id, run_id)
            time.sleep(0.3)
        raise AssertionError(f"{dag_id} did not end: {self.states(dag_id, run_id)}")

    def state(self, dag_id: str, run_id: str) -> str:
        return str(self.call(f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tries(self, dag_id: str, run_id: str, task_id: str) -> int:
        return int(self.call(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")["try_number"])

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        instances = self.call(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"]
        return {instance["task_id"]: instance["state"] for instance in instances}

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}?deserialize=true"
        return self.call(path)["value"]

    def logs(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str]:
        """{kind: text} of the task's log files; a worker's and the triggerer's are apart."""
        folder = self.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        kinds: dict[str, str] = {}
        for path in sorted(folder.glob("attempt=*")):
            kind = "triggerer" if ".trigger." in path.name else "worker"
            kinds[kind] = kinds.get(kind, "") + path.read_text()
        return kinds


def jobs_of(aws: LocalAws, dag_id: str, run_id: str) -> list[str]:
    """Names of the steps that have processing jobs of the run, one for each job."""
    found = aws.client("sagemaker").list_processing_jobs(NameContains=execution_id(dag_id, run_id), MaxResults=100)
    return sorted(job["ProcessingJobName"].split("-")[2] for job in found["ProcessingJobSummaries"])


@contextmanager
def deployed(
    home: Path,
    aws: LocalAws,
    dag_file: str = DAG_FILE,
    files: Callable[[LocalAws], Mapping[str, Any]] = documents,
    more: Mapping[str, str] | None = None,
) -> Iterator[Deployment]:
    """Airflow standalone over the pipelines of these tests, until the block ends; ``more`` is of its environment."""
    dags = home / "dags"
    dags.mkdir()
    written = dag_file.replace("{records}", f"s3://{aws.bucket}/records").replace("{bucket}", aws.bucket)
    (dags / "pipelines.py").write_text(written)
    for name, document in files(aws).items():
        (dags / name).write_text(json.dumps(document))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ui.keep_password(home)
    environment = {
        **ui.environment(dags, home, port, aws),
        "AIRFLOW__API__ENABLE_XCOM_DESERIALIZE_SUPPORT": "True",
        **(more or {}),
    }
    airflow, over = Standalone(environment, home / "standalone.log"), threading.Event()
    keeper = threading.Thread(target=_keep_scheduler, args=(airflow, over), daemon=True)
    keeper.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not all(part == "healthy" for part in ui.health(port).values()):
            assert not airflow.has_ended(), (home / "standalone.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "Airflow did not come up"
            time.sleep(0.5)
        yield Deployment(port, home, ui.sign_in(port, home))
    finally:
        over.set()
        keeper.join()
        airflow.end(grace_s=3)
        airflow.process.wait(30)


def _keep_scheduler(airflow: Standalone, over: threading.Event) -> None:
    while not over.wait(1.0):
        airflow.keep_scheduler()
