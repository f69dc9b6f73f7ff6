"""The state folder: what is in it, and how the server in it is reached.

Layout: ``server.json`` (address and key), ``config.json`` (sandbox, images, slots), ``store.sqlite``, ``s3/``,
``journal.jsonl``, ``jobs/<kind>/<name>/``, ``endpoints/<name>/``, ``functions/``, ``server.log``; jobs and endpoints
of other regions than the server's are below ``regions/<region>/``.
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
DAMAGED = 3  # exit code of a server that cannot use its state; the reason is the last line that it wrote
REGIONS = "regions"  # folder
OWN_CALLS = "embedded-aws-supervisor"  # in the user agent of the calls that supervisors make for the platform


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running embedded AWS and the credentials that it takes."""

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
        """The Airflow connection, for ``AIRFLOW_CONN_<ID>``."""
        return json.dumps(self.connection())

    def environment(self) -> dict[str, str]:
        """Environment by which boto3 finds this AWS and no other."""
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
        """A boto3 session with these credentials; its clients still need ``endpoint_url``."""
        import boto3

        return boto3.Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name=self.region
        )

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS."""
        return self.session().client(service, endpoint_url=self.endpoint_url)


class StateDamaged(OSError):
    """A file of the state folder is not what was written; the text names it, and the ways out."""


def _damaged(path: Path, why: object) -> StateDamaged:
    said = " ".join(str(why).split())[:200]
    return StateDamaged(
        f"{path} is damaged ({said}). Put a whole copy of it back, move it away to go on without what is in it,"
        " or begin anew with --reset, which forgets all state"
    )


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Say which file is damaged when what is read inside cannot be used.  Raises :class:`StateDamaged`."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, sqlite3.DatabaseError, IsADirectoryError) as error:
        raise _damaged(path, error) from None


def default_state_dir() -> Path:
    """``$SAGEMAKER_MLOPS_LOCAL_DIR``, else a folder below the user's state directory."""
    given = os.environ.get("SAGEMAKER_MLOPS_LOCAL_DIR")
    if given:
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "airflow-sagemaker-mlops"


def homes(state_dir: Path) -> list[Path]:
    """The folders that have ``jobs`` and ``endpoints``, one a region."""
    return [state_dir, *sorted((state_dir / REGIONS).glob("*"))]


def write_server(state_dir: Path, aws: LocalAws) -> None:
    """Publish the running server, readable by the owner alone."""
    write_private(state_dir / "server.json", json.dumps(asdict(aws)))


def read_server(state_dir: Path) -> LocalAws | None:
    """What was last published; the process may be gone.  Raises :class:`StateDamaged`."""
    path = state_dir / "server.json"
    known = {field.name for field in fields(LocalAws)}
    with whole(path):
        try:
            data = json.loads(path.read_text())
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        return LocalAws(**{key: value for key, value in data.items() if key in known})


def read_config(state_dir: Path) -> dict[str, Any]:
    """``config.json``: {"sandbox", "images", "slots"}, each optional.  Raises :class:`StateDamaged`."""
    path = state_dir / "config.json"
    with whole(path):
        try:
            config = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        if not isinstance(config, dict):
            raise ValueError("it is not a JSON object")
        return config


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` at once, mode 0600."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    os.replace(temporary, path)
