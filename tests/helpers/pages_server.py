"""An API server over the runs of ``runs_in_airflow``, under a base path, for tests of the pages."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from runs_in_airflow import write_dags
from waiting import until

from airflow_sagemaker_mlops.cli.standalone import end_session

HELPERS = Path(__file__).parent
BASE = "/team/af"
USERS = {"admin": "admin", "vera": "viewer"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Pages:
    """A server; ``runs`` has {name: (dag id, run id)}, ``variables`` its environment."""

    port: int
    home: Path
    runs: dict[str, tuple[str, str]]
    variables: dict[str, str] = field(repr=False)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, user: str) -> str:
        if user not in self.tokens:
            body = json.dumps({"username": user, "password": user}).encode()
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{self.origin}{BASE}/auth/token", body, headers)
            with urllib.request.urlopen(request) as answer:
                self.tokens[user] = json.load(answer)["access_token"]
        return self.tokens[user]

    def get(self, path: str, user: str = "admin", **params: str) -> Answer:
        return self.send("GET", f"{path}?{urlencode(params)}" if params else path, user)

    def send(self, method: str, path: str, user: str = "admin", body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        data = None if body is None else json.dumps(body).encode()
        headers |= {} if data is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.origin}{BASE}/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def ours(self, route: str, run: str, user: str = "admin", **more: str) -> Answer:
        dag_id, run_id = self.runs[run]
        return self.get(f"sagemaker-mlops/api/{route}", user, dag_id=dag_id, run_id=run_id, **more)

    def tab(self, run: str, task: str = "") -> str:
        dag_id, run_id = (quote(part, safe="") for part in self.runs[run])
        page = f"tasks/{quote(task, safe='')}/plugin/sagemaker-task" if task else "plugin/sagemaker-run"
        return f"{self.origin}{BASE}/dags/{dag_id}/runs/{run_id}/{page}"


def environment(home: Path, port: int, users: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    options = {
        "CORE__DAGS_FOLDER": str(home / "dags"),
        "CORE__AUTH_MANAGER": "auth_by_dag.AuthByDag",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in users.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "API__BASE_URL": f"http://127.0.0.1:{port}{BASE}",
        "API_AUTH__JWT_SECRET": "for tests only, and long enough for a signature with SHA-512 " * 2,
        "SAGEMAKER_MLOPS__RECORDS": str(home / "records"),
        **more,
    }
    nowhere = {"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:9"}
    connection = {"conn_type": "aws", "login": "nobody", "password": "nothing", "extra": nowhere}
    return {
        **os.environ,
        **{f"AIRFLOW__{key}": value for key, value in options.items()},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HELPERS), os.environ.get("PYTHONPATH")))),
    }


@contextmanager
def served(
    home: Path,
    *,
    only_story: bool = False,
    users: Mapping[str, str] = USERS,
    options: Mapping[str, str] | None = None,
    prepare: Callable[[dict[str, str]], object] = lambda variables: None,
) -> Iterator[Pages]:
    """The server until the block ends.

    only_story   without the runs that are there to break pages
    users        {name: role} of the simple auth manager; passwords are the names
    options      of Airflow, e.g. ``{"CORE__AUTH_MANAGER": ...}``
    prepare      is called with the server's environment before it starts
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    write_dags(home / "dags")
    (home / "passwords.json").write_text(json.dumps({name: name for name in users}))
    variables = environment(home, port, users, options or {})
    filled = subprocess.run(
        [
            sys.executable,
            str(HELPERS / "runs_in_airflow.py"),
            str(home / "records"),
            *(["--only-story"] if only_story else []),
        ],
        cwd=home / "dags",
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in filled.stdout.splitlines() if line.startswith("RUNS ")]
    assert lines, f"{filled.stdout[-3000:]}{filled.stderr[-5000:]}"
    prepare(variables)
    log = home / "api-server.log"
    with log.open("wb") as written:
        command = [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        runs = {name: (dag_id, run_id) for name, (dag_id, run_id) in json.loads(lines[0][5:]).items()}
        pages = Pages(port, home, runs, variables)
        until(lambda: process.poll() is not None or _is_up(pages), lambda: log.read_text()[-3000:], every_s=0.3)
        assert process.poll() is None, log.read_text()[-3000:]
        yield pages
    finally:
        end_session(process, grace_s=3)
        process.wait(30)


def _is_up(pages: Pages) -> bool:
    try:
        return pages.get("api/v2/monitor/health", user="").status == 200
    except OSError:
        return False
