"""The state folder: what is in it, and how the server in it is reached.

Layout: ``server.json`` (address and key), ``config.json`` (sandbox, images, slots), ``store.sqlite``, ``s3/``,
``journal.jsonl``, ``jobs/<kind>/<name>/``, ``endpoints/<name>/``, ``functions/``, ``server.log``; jobs and endpoints
of other regions than the server's are below ``regions/<region>/``.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

Sandbox = Literal["auto", "namespace", "rewrite"]
ACCOUNT = "123456789012"  # moto's
ROLE_NAME = "SageMakerRole"
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
    """What was last published; the process may be gone."""
    try:
        data = json.loads((state_dir / "server.json").read_text())
    except (OSError, ValueError):
        return None
    known = {field.name for field in fields(LocalAws)}
    try:
        return LocalAws(**{key: value for key, value in data.items() if key in known})
    except TypeError:
        return None


def read_config(state_dir: Path) -> dict[str, Any]:
    """``config.json``: {"sandbox", "images", "slots"}, each optional."""
    try:
        config = json.loads((state_dir / "config.json").read_text())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` at once, mode 0600."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    os.replace(temporary, path)
