"""The folder of a job as its supervisor uses it: the request, the paths and the AWS clients."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...json_types import AwsShape
from ...paths import UnsafePath, below
from ..state import OWN_CALLS, LocalAws, read_server

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest


def new_job_data(aws: LocalAws, region: str, kind: str, name: str, arn: str, *, request: AwsShape) -> dict[str, Any]:
    """The contents of a job's ``request.json``, except members that only one kind of job has."""
    return {
        "kind": kind,
        "name": name,
        "arn": arn,
        "region": region,
        "account": aws.account,
        "endpoint_url": aws.endpoint_url,
        "access_key": aws.access_key,
        "secret_key": aws.secret_key,
        "request": dict(request),
        "state_dir": str(aws.state_dir),
    }


class JobError(Exception):
    """The job cannot continue; the text is its ``FailureReason``."""


@dataclass(slots=True)
class JobFolder:
    """The folder of one job.

    path   the folder
    data   the contents of its ``request.json``
    """

    path: Path
    data: dict[str, Any]
    _clients: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> JobFolder:
        """Read a job's folder."""
        return cls(path, json.loads((path / "request.json").read_text()))

    @property
    def request(self) -> dict[str, Any]:
        """The create request."""
        return self.data["request"]  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.data["name"])

    @property
    def root(self) -> Path:
        """The folder that the container sees as /opt/ml."""
        return self.path / "opt_ml"

    @property
    def state_dir(self) -> Path:
        """The state folder of the embedded AWS."""
        return Path(self.data["state_dir"])

    def at(self, path: str) -> Path:
        """The real location of a path below /opt/ml.  Raises :class:`JobError` for any other path."""
        if not path.startswith("/opt/ml/"):
            raise JobError(f"ClientError: {path} is not below /opt/ml")
        try:
            return below(self.root, path.removeprefix("/opt/ml/"))
        except UnsafePath as error:
            raise JobError(f"ClientError: {path} is not below /opt/ml: {error}") from None

    @property
    def endpoint_url(self) -> str:
        """The server's current address, which changes if another process takes its port while it is down."""
        server = read_server(self.state_dir)
        return server.endpoint_url if server is not None else str(self.data["endpoint_url"])

    def aws_environment(self) -> dict[str, str]:
        """Environment variables that make the job's own boto3 call the embedded AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.data["access_key"],
            "AWS_SECRET_ACCESS_KEY": self.data["secret_key"],
            "AWS_REGION": self.data["region"],
            "AWS_DEFAULT_REGION": self.data["region"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def client(self, service: str) -> Any:
        """A boto3 client that outlives a restart of the server."""
        if service not in self._clients:
            import boto3
            from botocore.config import Config

            self._clients[service] = boto3.client(
                service,
                region_name=self.data["region"],
                endpoint_url=self.endpoint_url,
                aws_access_key_id=self.data["access_key"],
                aws_secret_access_key=self.data["secret_key"],
                config=Config(retries={"mode": "standard", "max_attempts": 20}, proxies={}, user_agent_extra=OWN_CALLS),
            )
            # On every attempt and before the request is signed, because the signature covers the host.
            self._clients[service].meta.events.register_first("request-created", self._follow)
        return self._clients[service]

    def _follow(self, request: AWSRequest, **_: object) -> None:
        """Send ``request`` to the server's current address."""
        scheme, host = self.endpoint_url.split("://")
        request.url = urlsplit(request.url)._replace(scheme=scheme, netloc=host).geturl()
