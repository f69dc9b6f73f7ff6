"""The AWS that a command talks to: the embedded one, started when needed, or what an Airflow connection leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..execution.aws import SessionAws
from .local import state_folder


def connect(conn: str | None, region: str | None, state_dir: Path | None) -> Any:
    """Clients of what the connection ``conn`` leads to; without one, of the embedded AWS in ``state_dir``."""
    if conn is not None:
        from ..hooks.aws import aws_for

        return aws_for(conn, region)
    return embedded(started(state_dir))


def started(state_dir: Path | None) -> Any:
    """The embedded AWS in ``state_dir``, running."""
    from .. import local

    return local.start(state_folder(state_dir))


def embedded(running: Any) -> SessionAws:
    """Clients of a running embedded AWS."""
    return SessionAws(
        running.session(), running.region, key=running.endpoint_url, endpoint_of=lambda _service: running.endpoint_url
    )
