"""A chain of eight short jobs on a real Airflow: wall time per hop, CPU per step, worker tasks started.

The peer is the Amazon provider's deferrable operator in a separate environment (it needs aiobotocore), polling its jobs
every second.  Each has its own Airflow; both stay up and run in turn, so that neither gets a quieter machine.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_sagemaker_mlops import local_aws
from airflow_sagemaker_mlops.cli import ui
from airflow_sagemaker_mlops.cli.standalone import end_session
from airflow_sagemaker_mlops.local_aws import LocalAws

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / ".venv-peer" / "bin" / "python"
STEPS = 8
PAIRS = 5

PEER_DAG = """
import json
from airflow.sdk import DAG
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerProcessingOperator
ARGUMENTS = json.loads('''{arguments}''')
with DAG("chain", schedule=None) as dag:
    previous = None
    for index in range({steps}):
        run = "run_id | lower | replace(':', '') | replace('+', '') | replace('.', '') | replace('_', '-')"
        name = "chain-{{{{ " + run + " }}}}-" + str(index)
        task = SageMakerProcessingOperator(
            task_id="Step" + str(index), config={{**ARGUMENTS, "ProcessingJobName": name}},
            wait_for_completion=True, deferrable=True, check_interval=1,
            action_if_job_exists="timestamp",
        )
        if previous: previous.set_downstream(task)
        previous = task
"""


def measure() -> dict[str, Any]:
    """Ours, the peer's, and the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        aws = local_aws.start(Path(folder) / "aws")
        try:
            with contextlib.ExitStack() as stack:
                sides = {"ours": stack.enter_context(_deployed(Path(folder) / "ours", aws, sys.executable, _our_dag))}
                if PEER.exists():
                    peer = _deployed(Path(folder) / "peer", aws, str(PEER), _peer_dag)
                    sides["amazon_provider_deferrable"] = stack.enter_context(peer)
                _in_turn(sides, aws)
                found = {name: side.figures() for name, side in sides.items()}
        finally:
            local_aws.stop(Path(folder) / "aws")
    if len(sides) == 1:
        return {**found, "peer": "not measured: make peer"}
    ours, theirs = sides.values()
    cpu = [one["cpu"] / other["cpu"] for one, other in zip(ours.runs, theirs.runs, strict=True)]
    return {
        **found,
        "hop_ratio": round(_median_of_all(ours, "hops") / _median_of_all(theirs, "hops"), 2),
        "cpu_ratio": round(statistics.median(cpu), 3),
        "cpu_ratio_of_each_pair": [round(ratio, 2) for ratio in cpu],
        "limits": {
            "hop_ratio": 0.85,
            "cpu_ratio": 0.5,
            "worker_tasks_started_by_waiting_steps": 0,
            "job_end_to_task_end_s_median": "one poll interval (0.25 s for a young job) + 2",
        },
    }


def _arguments(aws: LocalAws) -> dict[str, Any]:
    return {
        "RoleArn": aws.role_arn,
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }


def _our_dag(dags: Path, aws: LocalAws) -> None:
    steps = [
        {
            "Name": f"Step{index}",
            "Type": "Processing",
            "Arguments": _arguments(aws),
            **({"DependsOn": [f"Step{index - 1}"]} if index else {}),
        }
        for index in range(STEPS)
    ]
    (dags / "chain.json").write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    (dags / "chain.py").write_text(
        "from airflow_sagemaker_mlops import SageMakerPipelineDag\nSageMakerPipelineDag('chain', 'chain.json')\n"
    )


def _peer_dag(dags: Path, aws: LocalAws) -> None:
    (dags / "chain.py").write_text(PEER_DAG.format(arguments=json.dumps(_arguments(aws)), steps=STEPS))


@dataclass
class _Side:
    """An Airflow with the chain, and the measurements of its runs."""

    home: Path
    api: _Api
    session: int
    idle: float = 0.0
    runs: list[dict[str, Any]] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Medians over the runs."""
        logs = [path for path in (self.home / "logs").rglob("task_id=Step*/attempt=*") if ".trigger." not in path.name]
        workers = sum(path.read_text().count("Worker startup parse complete") for path in logs)
        return {
            "hop_s_median": round(_median_of_all(self, "hops"), 3),
            "job_end_to_task_end_s_median": round(_median_of_all(self, "delays"), 3),
            "cpu_s_a_step_median": round(statistics.median(run["cpu"] for run in self.runs) / STEPS, 3),
            "cpu_s_a_step_without_idle_median": round(
                statistics.median(run["cpu"] - self.idle * run["wall"] for run in self.runs) / STEPS, 3
            ),
            "idle_cpu_s_a_s": round(self.idle, 3),
            "run_s_median": round(statistics.median(run["wall"] for run in self.runs), 1),
            "worker_tasks_started_by_waiting_steps": workers / (len(self.runs) + 1) / STEPS,  # the first run warmed up
            "runs": len(self.runs),
        }


def _median_of_all(side: _Side, figure: str) -> float:
    return statistics.median(value for run in side.runs for value in run[figure])


def _in_turn(sides: Mapping[str, _Side], aws: LocalAws) -> None:
    for side in sides.values():
        _one_run(side, aws)  # warms up
    time.sleep(10)
    for side in sides.values():
        side.idle = _idle(side.session)
    for _ in range(PAIRS):
        for side in sides.values():
            side.runs.append(_one_run(side, aws))


@contextlib.contextmanager
def _deployed(home: Path, aws: LocalAws, python: str, write: Any) -> Iterator[_Side]:
    dags = home / "dags"
    dags.mkdir(parents=True)
    write(dags, aws)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = ui.environment(dags, home, port, aws)
    environment["PATH"] = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    # As in deployments: a file is parsed again after 30 s, not continuously.
    environment |= {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30"}
    ui.keep_password(home)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "airflow", "standalone"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _until(lambda: all(part == "healthy" for part in ui.health(port).values()), 240)
        api = _Api(port, home)
        _until(lambda: api.has_dag("chain"), 120)
        yield _Side(home, api, process.pid)
    finally:
        end_session(process)
        process.wait(30)


class _Api:
    def __init__(self, port: int, home: Path) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.token = ui.sign_in(port, home)

    def call(self, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(urllib.request.Request(f"{self.base}/api/v2{path}", data, headers)) as answer:
            return json.load(answer)

    def has_dag(self, dag_id: str) -> bool:
        return any(dag["dag_id"] == dag_id for dag in self.call("/dags")["dags"])


def _one_run(side: _Side, aws: LocalAws) -> dict[str, Any]:
    client, api = aws.client("sagemaker"), side.api
    before = {job["ProcessingJobName"] for job in _jobs(client)}
    spent, begun = _cpu(side.session), time.monotonic()
    run = api.call("/dags/chain/dagRuns", {"logical_date": None, "conf": {}})["dag_run_id"]
    state = ""

    def ended() -> bool:
        nonlocal state
        state = api.call(f"/dags/chain/dagRuns/{run}")["state"]
        return state in ("success", "failed")

    _until(ended, 300, pause=1.0)
    if state != "success":
        raise RuntimeError(f"the chain ended {state}")
    wall = time.monotonic() - begun
    cpu = _cpu(side.session) - spent
    names = [job["ProcessingJobName"] for job in _jobs(client) if job["ProcessingJobName"] not in before]
    jobs = sorted(
        (client.describe_processing_job(ProcessingJobName=name) for name in names), key=lambda j: j["CreationTime"]
    )
    hops = [(b["CreationTime"] - a["ProcessingEndTime"]).total_seconds() for a, b in itertools.pairwise(jobs)]
    tasks = api.call(f"/dags/chain/dagRuns/{run}/taskInstances")["task_instances"]
    ends = sorted(datetime.fromisoformat(task["end_date"]) for task in tasks if task["task_id"].startswith("Step"))
    delays = [(end - job["ProcessingEndTime"]).total_seconds() for job, end in zip(jobs, ends, strict=True)]
    return {"hops": hops, "delays": delays, "cpu": cpu, "wall": wall}


def _jobs(client: Any) -> list[Any]:
    return list(client.list_processing_jobs(MaxResults=100)["ProcessingJobSummaries"])


def _idle(session: int) -> float:
    spent, begun = _cpu(session), time.monotonic()
    time.sleep(15)
    return (_cpu(session) - spent) / (time.monotonic() - begun)


def _cpu(session: int) -> float:
    """CPU seconds of all processes of a session, including those that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _until(check: Any, timeout_s: float, pause: float = 0.5) -> None:
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError("it took too long")
        time.sleep(pause)
