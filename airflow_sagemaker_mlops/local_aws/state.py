"""The state folder: its contents, and the address and keys of its server.

Layout: ``server.json`` (address and keys), ``config.json`` (sandbox, images, slots), ``store.sqlite``, ``s3/``,
``journal.jsonl``, ``jobs/<kind>/<name>/``, ``endpoints/<name>/``, ``functions/``, ``server.log``.  Jobs and endpoints
of regions other than the server's own are below ``regions/<region>/``.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

Sandbox = Literal["auto", "namespace", "rewrite"]
ACCOUNT = "123456789012"  # moto's
ROLE_NAME = "SageMakerRole"
DAMAGED = 3  # exit code of a server that cannot use its state; its last line of output is the reason
REGIONS = "regions"  # folder
OWN_CALLS = "embedded-aws-supervisor"  # part of the user agent of a supervisor's own calls


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running embedded AWS and the credentials that it accepts."""

    endpoint_url: str
    region: str
    account: str
    access_key: str
    secret_key: str
    bucket: str
    role_arn: str
    state_dir: str
    pid: int
    pid_start: int

    def connection(self) -> dict[str, Any]:
        """The Airflow connection, as a dict."""
        return {
            "conn_type": "aws",
            "login": self.access_key,
            "password": self.secret_key,
            "extra": {"endpoint_url": self.endpoint_url, "region_name": self.region},
        }

    def connection_json(self) -> str:
        """The Airflow connection as JSON, for ``AIRFLOW_CONN_<ID>``."""
        return json.dumps(self.connection())

    def environment(self) -> dict[str, str]:
        """Environment variables that make boto3 call the embedded AWS and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def session(self) -> Any:
        """A boto3 session with these credentials; its clients also need ``endpoint_url``."""
        import boto3

        return boto3.Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name=self.region
        )

    def client(self, service: str) -> Any:
        """A boto3 client of the embedded AWS."""
        return self.session().client(service, endpoint_url=self.endpoint_url)


class StateDamaged(OSError):
    """A file of the state folder is damaged; the text names the file and the ways to recover."""


def _damaged(path: Path, why: object) -> StateDamaged:
    reason = " ".join(str(why).split())[:200]
    return StateDamaged(
        f"{path} is damaged ({reason}). Restore an intact copy, move the file away to continue without its contents,"
        " or start over with --reset, which deletes all state"
    )


@contextmanager
def report_damage(path: Path) -> Iterator[None]:
    """Raise :class:`StateDamaged` with the name of the file if the code inside cannot use its contents."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, sqlite3.DatabaseError, IsADirectoryError) as error:
        raise _damaged(path, error) from None


def default_state_dir() -> Path:
    """``$SAGEMAKER_MLOPS_LOCAL_DIR``, or a folder below the user's state directory."""
    given = os.environ.get("SAGEMAKER_MLOPS_LOCAL_DIR")
    if given:
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "airflow-sagemaker-mlops"


def region_folders(state_dir: Path) -> list[Path]:
    """The folders that contain ``jobs`` and ``endpoints``, one per region."""
    return [state_dir, *sorted((state_dir / REGIONS).glob("*"))]


def write_server(state_dir: Path, aws: LocalAws) -> None:
    """Write ``server.json`` for the running server, readable by its owner only."""
    write_private(state_dir / "server.json", json.dumps(asdict(aws)))


def read_server(state_dir: Path) -> LocalAws | None:
    """The server that last wrote ``server.json``; its process may have ended.  Raises :class:`StateDamaged`."""
    path = state_dir / "server.json"
    known = {field.name for field in fields(LocalAws)}
    with report_damage(path):
        try:
            data = json.loads(path.read_text())
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        return LocalAws(**{key: value for key, value in data.items() if key in known})


def read_config(state_dir: Path) -> dict[str, Any]:
    """``config.json``: {"sandbox", "images", "slots"}, each optional.  Raises :class:`StateDamaged`."""
    path = state_dir / "config.json"
    with report_damage(path):
        try:
            config = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        if not isinstance(config, dict):
            raise ValueError("it is not a JSON object")
        return config


def write_private(path: Path, text: str) -> None:
    """Replace the contents of ``path`` with ``text`` atomically, mode 0600."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    os.replace(temporary, path)
