"""Airflow as it runs in production, on one machine: each part in its own process, with one configuration."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_sagemaker_mlops.cli import ui
from airflow_sagemaker_mlops.local_aws import LocalAws

from .machine import free_ports
from .services import Services
from .supervisor import LocalAwsServer, Process, Supervisor

READY_S = 300.0
WORKERS, TRIGGERERS, CONCURRENCY = 2, 2, 3


@dataclass(slots=True)
class Deployment:
    """All of it in ``home``: DAGs, logs, the state of the embedded AWS."""

    home: Path
    services: Services
    aws: LocalAws
    port: int
    supervisor: Supervisor
    environment: Mapping[str, str]

    def airflow(self, name: str, *words: str, settle_s: float = 12.0) -> Process:
        """One part of Airflow."""
        command = [sys.executable, "-m", "airflow", *words]
        return Process(name, command, self.environment, self.home / f"{name}.log", settle_s)

    def start(self) -> None:
        """Start everything.  Raises ``RuntimeError`` if it does not start."""
        self.services.make_database()
        for part in (self.services.postgres(self.home), self.services.redis(self.home)):
            self.supervisor.add(part)
        self._migrate()
        api = self.airflow("api-server", "api-server")
        api.answers = lambda: ui.health(self.port).get("metadatabase") == "healthy"
        self.supervisor.add(api)
        self.supervisor.add(self.airflow("scheduler", "scheduler", "--skip-serve-logs"))
        self.supervisor.add(self.airflow("dag-processor", "dag-processor"))
        for number in range(1, TRIGGERERS + 1):
            self.supervisor.add(self.airflow(f"triggerer-{number}", "triggerer", "--skip-serve-logs"))
        for number in range(1, WORKERS + 1):
            self.supervisor.add(self._worker(number))
        self.supervisor.parts["aws"] = LocalAwsServer(Path(self.aws.state_dir))
        self._wait_until_healthy()
        self.supervisor.watch()

    def _worker(self, number: int) -> Process:
        name = f"worker-{number}"
        words = ["celery", "worker", "--concurrency", str(CONCURRENCY), "--celery-hostname", f"{name}@%h"]
        words += ["--skip-serve-logs", "--without-gossip", "--without-mingle"]
        return self.airflow(name, *words, "--pid", str(self.home / f"{name}.pid"), settle_s=15.0)

    def _migrate(self) -> None:
        deadline = time.monotonic() + READY_S
        while True:  # PostgreSQL may take a moment
            log = self.home / "migrate.log"
            with log.open("ab") as out:
                done = subprocess.run(
                    [sys.executable, "-m", "airflow", "db", "migrate"],
                    env=dict(self.environment),
                    stdout=out,
                    stderr=out,
                    check=False,
                )
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"The database was not created:\n{log.read_text()[-2000:]}")
            time.sleep(1)

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + READY_S
        while not all(part == "healthy" for part in ui.health(self.port).values()):
            dead = [part.name for part in self.supervisor.parts.values() if not part.is_alive()]
            if dead or time.monotonic() > deadline:
                what = f"{' and '.join(dead)} ended" if dead else "it took too long"
                raise RuntimeError(f"Airflow did not start, {what}; the logs are in {self.home}.")
            time.sleep(1)

    def end(self) -> None:
        """End everything; the logs stay."""
        self.supervisor.end()
        self.services.forget()


def prepare(home: Path, aws: LocalAws, supervisor: Supervisor) -> Deployment:
    """A deployment that is not started yet, on free ports."""
    (home / "dags").mkdir(parents=True, exist_ok=True)
    ports = free_ports(3)
    services = Services(ports[0], ports[1])
    return Deployment(home, services, aws, ports[2], supervisor, _environment(home, services, aws, ports[2]))


def _environment(home: Path, services: Services, aws: LocalAws, port: int) -> dict[str, str]:
    """Airflow's configuration.  Dead processes are detected sooner than by default: the drill has only minutes."""
    options = {
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__PARALLELISM": "32",
        "CORE__MAX_ACTIVE_RUNS_PER_DAG": "50",
        "CORE__FERNET_KEY": "",
        "DATABASE__SQL_ALCHEMY_CONN": services.database,
        "CELERY__BROKER_URL": services.broker,
        "CELERY__RESULT_BACKEND": services.results,
        "CELERY__OPERATION_TIMEOUT": "10",
        "CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "60",
        "API__SECRET_KEY": secrets.token_urlsafe(32),
        "API__MAXIMUM_PAGE_LIMIT": "1000",
        "API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",  # the drill calls the API often, and is its only user
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
        "SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
        "TRIGGERER__JOB_HEARTBEAT_SEC": "3",
        "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "20",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "60",
    }
    found = ui.environment(home / "dags", home, port, aws)
    found |= {f"AIRFLOW__{key}": value for key, value in options.items()}
    # The same address and key after every kill.
    found["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(aws.connection())
    found["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return found
