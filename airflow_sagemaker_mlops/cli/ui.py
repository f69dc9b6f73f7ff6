"""``sagemaker-mlops ui``: runs Airflow standalone with a folder of DAGs and the embedded AWS."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from .. import local_aws
from ..callbacks.hosts import VARIABLE as HOSTS
from ..local_aws import LocalAws
from ..local_aws.state import write_private
from ..runs.clients import started
from ..runs.errors import NoAws
from ..runs.local_aws_guard import look_after
from ..runs.publishing import publish, script_of
from ..runs.recording import records_location
from .option_names import in_options
from .output.terminal import console, say, say_styled, say_unmasked
from .standalone import Standalone

READY_S = 300.0
USER = "admin"
PASSWORDS = "passwords.json"  # in Airflow's home, readable only by the owner


def run_ui(dags: Path, *, port: int, home: Path, state_dir: Path | None) -> int:
    """Serve until Ctrl-C; exit code."""
    dags, home = dags.absolute(), home.absolute()
    if not dags.is_dir():
        say(f"{dags} is not a folder.", err=True)
        return 2
    out = console()
    try:
        aws = started(state_dir or home / "aws")
    except NoAws as error:
        say(in_options(error), err=True)
        return 2
    airflow: Standalone | None = None
    try:
        publish_examples(dags, aws)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = keep_password(home)
        log = home / "standalone.log"
        airflow = Standalone({**environment(dags, home, port, aws), **_recorded(aws)}, log)
        with out.status(f"Airflow is starting (log in {log}) ..."):
            ready = _wait_until_healthy(port, airflow)
        if not ready:
            say(f"Airflow did not start; see its log, {log}.", err=True)
            return 1
        say_unmasked(f"Airflow   http://127.0.0.1:{port}   (user {USER}, password {password})")
        say(f"AWS       {aws.endpoint_url}   (embedded AWS, state in {aws.state_dir})")
        say_styled("Ctrl-C stops both.", "dim")
        signal.signal(signal.SIGTERM, _interrupt)
        why = look_after(aws, partial(_has_ended, airflow), say)
        if why:
            say(f"{why} Airflow is being stopped, too.", err=True)
        return int(bool(why))
    except KeyboardInterrupt:
        return 0
    finally:
        if airflow is not None:
            airflow.end()
        local_aws.stop(Path(aws.state_dir))


def _has_ended(airflow: Standalone, wait_s: float) -> bool:
    if airflow.keep_scheduler():
        say("Airflow's scheduler had ended and was started again.")
    return airflow.has_ended(wait_s)


def _recorded(aws: LocalAws) -> dict[str, str]:
    """Settings that put records where ``sagemaker-mlops run`` and ``records`` look for them."""
    return {"AIRFLOW__SAGEMAKER_MLOPS__RECORDS": records_location(aws.bucket)}


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def publish_examples(dags: Path, aws: LocalAws) -> None:
    """Run ``publish.py`` in every folder below ``dags``."""
    for folder in sorted(path for path in dags.iterdir() if path.is_dir()):
        script = script_of(folder)
        if script is not None:
            publish(script, aws)


def environment(dags: Path, home: Path, port: int, aws: LocalAws) -> dict[str, str]:
    """Airflow's configuration: loopback only, a password, SQLite, and the embedded AWS as ``aws_default``.

    The two log servers listen on all addresses, which Airflow 3.3 does not let us change; they answer only requests
    with a token signed with ``JWT_SECRET``.
    """
    options = {
        "CORE__DAGS_FOLDER": str(dags),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / PASSWORDS),
        "CORE__PARALLELISM": "4",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__WORKERS": "1",
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "LOGGING__WORKER_LOG_SERVER_PORT": str(port + 1),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": str(port + 2),
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    own = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW__")}
    folder = str(Path(sys.executable).parent)
    return {
        **own,
        **{f"AIRFLOW__{key}": value for key, value in options.items()},
        "AIRFLOW_HOME": str(home),
        HOSTS: "127.0.0.1,localhost",
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws.connection()),
        "PATH": f"{folder}{os.pathsep}{own.get('PATH', os.defpath)}",  # standalone looks for `airflow` there
        "NO_PROXY": "127.0.0.1,localhost",
    }


def keep_password(home: Path) -> str:
    """The password of :data:`USER`; generated on first use."""
    path = home / PASSWORDS
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(path.read_text())[USER])
    password = secrets.token_urlsafe(12)
    write_private(path, json.dumps({USER: password}) + "\n")
    return password


def sign_in(port: int, home: Path) -> str:
    """Get a token for Airflow's API with the password in ``home``.  Raises ``OSError`` if Airflow refuses."""
    body = json.dumps({"username": USER, "password": keep_password(home)}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/auth/token", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["access_token"])


def _wait_until_healthy(port: int, airflow: Standalone) -> bool:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and not airflow.has_ended():
        if all(part == "healthy" for part in health(port).values()):
            return True
        time.sleep(0.5)
    return False


def health(port: int) -> dict[str, Any]:
    """{component: status, "healthy" or other}; a missing component is not healthy."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
            found = json.load(answer)
    except (OSError, ValueError):
        return {"api_server": None}
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return {part: (found.get(part) or {}).get("status") for part in parts}
