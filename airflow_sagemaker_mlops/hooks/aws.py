"""An Airflow connection -> the AWS clients a step uses.

The Amazon provider reads the connection (keys, profiles, role to assume, endpoint, region); this module only keeps the
clients, so that five hundred waiting steps of one connection share one set.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from ..execution.aws import SessionAws
from ..execution.events import region_of

KEEP_S = 900.0  # credentials from outside of the connection are asked for again after this long
LOOK_S = 30.0  # a changed connection is seen after this long; a secrets backend may charge for every look
_LOCK = threading.Lock()
SESSION_NAME = "airflow-sagemaker-mlops"
EVENTS_QUEUE = "events_queue_url"  # in the connection's extra
_KEPT: dict[tuple[str | None, str | None, str | None, str], tuple[float, SessionAws]] = {}
_SEEN: dict[str, tuple[float, str]] = {}


def aws_for(conn_id: str | None, region_name: str | None, assume_role_arn: str | None = None) -> SessionAws:
    """Clients of the connection ``conn_id`` (``None``: boto3's own credential chain).  Blocking.

    assume_role_arn   role to assume with the connection's credentials; renewed by itself before it expires

    Raises ``ValueError`` with a sentence when no region is known, and Airflow's error when the connection is missing.
    """
    fingerprint = _fingerprint(conn_id)
    key = (conn_id, region_name, assume_role_arn, fingerprint)
    with _LOCK:
        kept = _KEPT.get(key)
        if kept is not None and time.monotonic() - kept[0] < KEEP_S:
            return kept[1]
        aws = _make(*key)
        for stale in [k for k in _KEPT if k[:3] == key[:3]]:
            del _KEPT[stale]
        _KEPT[key] = (time.monotonic(), aws)
        return aws


def _fingerprint(conn_id: str | None) -> str:
    """Changes when the connection does; never leaves the process."""
    if conn_id is None:
        return ""
    seen = _SEEN.get(conn_id)
    if seen is not None and time.monotonic() - seen[0] < LOOK_S:
        return seen[1]
    from airflow.sdk import Connection

    try:
        fingerprint = str(hash(Connection.get(conn_id).get_uri()))
        _SEEN[conn_id] = (time.monotonic(), fingerprint)
        return fingerprint
    except Exception as error:
        # The Amazon provider falls back to boto3's own chain when aws_default is not defined; so do we.
        if type(error).__name__ == "AirflowNotFoundException" and conn_id == "aws_default":
            return "missing"
        raise


def _make(conn_id: str | None, region_name: str | None, role: str | None, fingerprint: str) -> SessionAws:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

    hook: Any = AwsGenericHook(aws_conn_id=conn_id, region_name=region_name, client_type="sagemaker")
    session = hook.get_session(region_name=region_name)
    region = region_name or session.region_name
    if not region:
        raise ValueError(
            f'connection "{conn_id}" names no region: add "region_name" to its extra, or pass region_name= to the step.'
        )
    if role:
        session = _assuming(role, session, region, hook.conn_config.get_service_endpoint_url("sts"), hook.verify)
    return SessionAws(
        session,
        region,
        key=f"{conn_id}/{region}/{role or ''}/{fingerprint}",
        endpoint_of=hook.conn_config.get_service_endpoint_url,
        config=hook.config,
        verify=hook.verify,
        events_queue_url="" if role else _events_queue(hook.conn_config.extra_config, region),
    )


def _events_queue(extra: dict[str, Any], region: str) -> str:
    """The connection's queue of job events, where it is one of this region."""
    url = str(extra.get(EVENTS_QUEUE) or "")
    return url if region_of(url) in ("", region) else ""


def _assuming(role: str, session: Any, region: str, sts_endpoint: str | None, verify: Any) -> Any:
    """A session as ``role``, whose credentials botocore fetches when they are first needed, and again in time."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    def client(service: str, **members: Any) -> Any:
        return session.client(service, region_name=region, endpoint_url=sts_endpoint, verify=verify, **members)

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=client,
        source_credentials=session.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": SESSION_NAME},
    )
    assumed: Any = botocore.session.get_session()
    assumed._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=assumed, region_name=region)
