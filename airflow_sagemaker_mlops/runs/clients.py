"""The AWS that a run uses: the embedded one, an Airflow connection's, or a boto3 session's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import local_aws
from ..execution.aws.clients import SessionAws
from .errors import Argument, NoAws

if TYPE_CHECKING:
    from boto3 import Session

    from ..local_aws import LocalAws

LOCAL_AWS_REGION = "us-east-1"
LOG_LEVEL = "AIRFLOW__LOGGING__LOGGING_LEVEL"


@dataclass(frozen=True, slots=True)
class Target:
    """Which AWS a run uses: an Airflow connection, a boto3 session, or otherwise the embedded AWS in ``state_dir``.

    :param region_name: region if the connection or the session names none
    """

    aws_conn_id: str | None = None
    region_name: str | None = None
    session: Any = None
    state_dir: Path | None = None

    @property
    def is_local_aws(self) -> bool:
        """Whether it is the embedded AWS."""
        return self.aws_conn_id is None and self.session is None

    @property
    def label(self) -> str:
        """Names the account's local records: the connection's name, or "session"."""
        return self.aws_conn_id or "boto3-session"

    def connect(self) -> SessionAws:
        """Its clients; starts the embedded AWS if that is used.  Raises :class:`NoAws`."""
        if self.aws_conn_id is not None:
            aws: SessionAws = connected(self.aws_conn_id, self.region_name)
            return aws
        return of_session(self.session, self.region_name) if self.session else local_aws_clients(self.started())

    def started(self) -> Any:
        """The embedded AWS, running.  Raises :class:`NoAws`."""
        return started(self.state_dir)


def state_folder(state_dir: Path | None) -> Path:
    """The folder given, or the default outside any repository."""
    return (state_dir or local_aws.default_state_dir()).absolute()


def connect(conn: str | None, region: str | None, state_dir: Path | None) -> Any:
    """Clients of the connection ``conn``; without one, of the embedded AWS in ``state_dir``.

    Raises :class:`NoAws`.
    """
    return Target(conn, region, None, state_dir).connect()


def connected(conn: str, region: str | None) -> Any:
    """Clients of the Airflow connection ``conn``.  Raises :class:`NoAws`."""
    try:
        with _only_warnings():
            from ..hooks.aws import aws_for
            from ..hooks.connection import AwsConnection

            return aws_for(AwsConnection(conn, region))
    except ValueError as error:
        raise NoAws("{error}", error=error) from None
    except Exception as error:
        if type(error).__name__ != "AirflowNotFoundException":
            raise
        raise NoAws(
            '{conn} is "{given}", and Airflow has no such connection.', conn=Argument("aws_conn_id"), given=conn
        ) from None


@contextmanager
def _only_warnings() -> Iterator[None]:
    """Import Airflow with a log level that hides its line about a connection's credentials, meant for task logs.

    What it logs nevertheless goes to standard error, because results are printed on standard output.
    The environment is the caller's, and that of the processes the caller starts, so it stays as it was.
    """
    changes = LOG_LEVEL not in os.environ
    if changes:
        os.environ[LOG_LEVEL] = "WARNING"
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if changes:
            os.environ.pop(LOG_LEVEL, None)


def of_session(session: Session, region: str | None) -> SessionAws:
    """Clients of a boto3 session.  Raises :class:`NoAws` if no region is known."""
    known = region or session.region_name
    if not known:
        raise NoAws("no AWS region is known: add {region}.", region=Argument("region_name"))
    return SessionAws(session, known, key=f"session {id(session)} {known}")


def client_of(service: str, conn: str | None, region: str | None, **options: Any) -> Any:
    """A client with an Airflow connection, otherwise with boto3's credential chain, created with ``options``.

    Raises :class:`NoAws`.
    """
    if conn is not None:
        return connected(conn, region).client(service)
    import boto3
    from botocore.exceptions import NoRegionError, ProfileNotFound

    try:
        return boto3.client(service, region_name=region, **options)
    except NoRegionError:
        raise NoAws(
            "no AWS region is known: add {region}, or set AWS_DEFAULT_REGION.", region=Argument("region_name")
        ) from None
    except (ValueError, ProfileNotFound) as error:  # a region or a profile that cannot be one
        raise NoAws("{error}.", error=error) from None


def started(state_dir: Path | None) -> Any:
    """The embedded AWS in ``state_dir``, running.  Raises :class:`NoAws` for an unusable folder."""
    folder = state_folder(state_dir)
    try:
        return local_aws.start(folder)
    except OSError as error:
        raise NoAws(
            "{folder} cannot be used: {why}.", folder=Argument("state_dir", folder), why=error.strerror or error
        ) from None
    except RuntimeError as error:  # it did not start
        raise NoAws("{error}", error=error) from None


@dataclass(slots=True)
class EmbeddedOnDemand:
    """Clients of the embedded AWS, which is started for the first one: a rehearsal may need none."""

    state_dir: Path | None = None
    region: str = LOCAL_AWS_REGION
    is_local: bool = True
    renew: None = None
    _aws: SessionAws | None = None

    @property
    def key(self) -> str:
        """Identifies a set of clients."""
        return f"embedded {state_folder(self.state_dir)}"

    def client(self, service: str) -> Any:
        """The boto3 client of ``service``."""
        if self._aws is None:
            self._aws = local_aws_clients(started(self.state_dir))
        return self._aws.client(service)


def local_aws_clients(running: LocalAws) -> SessionAws:
    """Clients of a running embedded AWS."""
    return SessionAws(
        running.session(), running.region, key=running.endpoint_url, endpoint_of=lambda _service: running.endpoint_url
    )


@contextmanager
def visited(state_dir: Path | None) -> Iterator[Any]:
    """The embedded AWS in ``state_dir`` as a context; stops it afterwards unless it was already running.

    Raises :class:`NoAws`, also if nothing has ever run there.
    """
    folder = state_folder(state_dir)
    before = local_aws.status(folder)
    if before is None and not (folder / "server.json").exists():
        what = "nothing has run on an embedded AWS in {folder} yet. `sagemaker-mlops run` and `local` start one."
        raise NoAws(what, folder=folder)
    aws = started(state_dir)
    try:
        yield aws
    finally:
        if before is None:
            local_aws.stop(folder)
