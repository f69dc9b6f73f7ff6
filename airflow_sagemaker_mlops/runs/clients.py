"""The AWS that a command talks to: the embedded one, started when needed, or what an Airflow connection leads to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import local_aws
from ..execution.aws.clients import SessionAws


class NoAws(ValueError):
    """The options lead to no AWS; ``str()`` is a sentence about them."""


def state_folder(state_dir: Path | None) -> Path:
    """The folder given, or the default outside any repository."""
    return (state_dir or local_aws.default_state_dir()).absolute()


def connect(conn: str | None, region: str | None, state_dir: Path | None) -> Any:
    """Clients of what the connection ``conn`` leads to; without one, of the embedded AWS in ``state_dir``.

    Raises :class:`NoAws`.
    """
    return connected(conn, region) if conn is not None else embedded(started(state_dir))


def connected(conn: str, region: str | None) -> Any:
    """Clients of what the Airflow connection ``conn`` leads to.  Raises :class:`NoAws`."""
    # Before Airflow is imported: its line about each connection's credentials belongs into a task log.
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    from ..hooks.aws import aws_for
    from ..hooks.connection import AwsConnection

    try:
        return aws_for(AwsConnection(conn, region))
    except ValueError as error:
        raise NoAws(str(error)) from None
    except Exception as error:
        if type(error).__name__ != "AirflowNotFoundException":
            raise
        raise NoAws(f'--conn is "{conn}", and Airflow has no such connection.') from None


def client_of(service: str, conn: str | None, region: str | None, **options: Any) -> Any:
    """A client by an Airflow connection, else as boto3 finds its credentials, made with ``options``.

    Raises :class:`NoAws`.
    """
    if conn is not None:
        return connected(conn, region).client(service)
    import boto3
    from botocore.exceptions import NoRegionError, ProfileNotFound

    try:
        return boto3.client(service, region_name=region, **options)
    except NoRegionError:
        raise NoAws("no AWS region is known: add --region, or set AWS_DEFAULT_REGION.") from None
    except (ValueError, ProfileNotFound) as error:  # a region or a profile that cannot be one
        raise NoAws(f"{error}.") from None


def started(state_dir: Path | None) -> Any:
    """The embedded AWS in ``state_dir``, running.  Raises :class:`NoAws` for a folder that cannot be one."""
    folder = state_folder(state_dir)
    try:
        return local_aws.start(folder)
    except OSError as error:
        raise NoAws(f"--state-dir {folder} cannot be used: {error.strerror or error}.") from None
    except RuntimeError as error:  # it did not come up
        raise NoAws(str(error)) from None


def embedded(running: Any) -> SessionAws:
    """Clients of a running embedded AWS."""
    return SessionAws(
        running.session(), running.region, key=running.endpoint_url, endpoint_of=lambda _service: running.endpoint_url
    )


@contextmanager
def visited(state_dir: Path | None) -> Iterator[Any]:
    """The embedded AWS in ``state_dir`` while entered; it is stopped again if it did not run before.

    Raises :class:`NoAws`, also where nothing has ever run.
    """
    folder = state_folder(state_dir)
    before = local_aws.status(folder)
    if before is None and not (folder / "server.json").exists():
        raise NoAws(f"nothing has run on an embedded AWS in {folder} yet. `sagemaker-mlops run` and `local` start one.")
    aws = started(state_dir)
    try:
        yield aws
    finally:
        if before is None:
            local_aws.stop(folder)
