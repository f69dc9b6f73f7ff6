"""The clients of a connection, for triggers: Airflow is asked over its channel, AWS in a thread of its own."""

from __future__ import annotations

from functools import partial

from ..execution.aws.clients import SessionAws
from ..execution.aws.threads import in_thread
from ..hooks.aws import opened, prepared
from ..runtime.supervisor_calls import ask


async def open_aws(
    conn_id: str | None,
    region_name: str | None,
    assume_role_arn: str | None,
    external_id: str | None = None,
    *,
    fresh: bool = False,
) -> SessionAws:
    """As ``hooks.aws.aws_for``; the clients can renew themselves."""
    found = await ask(prepared, conn_id, region_name, assume_role_arn, external_id, fresh=fresh)
    if isinstance(found, SessionAws):
        aws = found
    else:
        aws = await in_thread(f"opening {conn_id}/{region_name}/{assume_role_arn}", opened, found)
    aws.renew = partial(_renew, aws, conn_id, region_name, assume_role_arn, external_id)
    return aws


async def _renew(aws: SessionAws, *connection: str | None) -> None:
    newest = await open_aws(*connection, fresh=True)
    if newest is not aws:  # the connection is another one since
        aws.take(newest)
