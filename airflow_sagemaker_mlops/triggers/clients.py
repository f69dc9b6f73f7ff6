"""AWS clients of a connection, for triggers: calls Airflow over its channel, and AWS in a separate thread."""

from __future__ import annotations

from functools import partial

from ..execution.aws.clients import SessionAws
from ..execution.aws.threads import in_thread
from ..hooks.aws import opened, prepared
from ..hooks.connection import AwsConnection
from ..runtime.supervisor_calls import ask


async def open_aws(connection: AwsConnection, *, fresh: bool = False) -> SessionAws:
    """Like ``hooks.aws.aws_for``; the clients can renew themselves."""
    found = await ask(prepared, connection, fresh=fresh)
    if isinstance(found, SessionAws):
        aws = found
    else:
        aws = await in_thread(
            f"opening {connection.aws_conn_id}/{connection.region_name}/{connection.assume_role_arn}", opened, found
        )
    aws.renew = partial(_renew, aws, connection)
    return aws


async def _renew(aws: SessionAws, connection: AwsConnection) -> None:
    newest = await open_aws(connection, fresh=True)
    if newest is not aws:  # the connection has changed since
        aws.take(newest)
