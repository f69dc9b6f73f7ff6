"""An Airflow connection -> the AWS clients that a step uses.

The Amazon provider reads the connection (keys, profiles, role to assume, endpoint, region); this module only caches the
clients, so that five hundred waiting steps with one connection share one set.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..execution.aws.clients import SessionAws
from ..execution.watch.eventbridge import region_of
from .connection import AwsConnection

if TYPE_CHECKING:
    from boto3 import Session

KEEP_S = 900.0  # credentials from outside the connection are fetched again after this time
LOOK_S = 30.0  # a changed connection is noticed after this time; a secrets backend may charge per request
_LOCK = threading.Lock()
SESSION_NAME = "airflow-sagemaker-mlops"
EVENTS_QUEUE = "events_queue_url"  # in the connection's extra
Key = tuple[AwsConnection, str]  # with a fingerprint that changes when the connection does
_KEPT: dict[Key, tuple[float, SessionAws]] = {}
_OPENING: dict[Key, threading.Lock] = {}
_SEEN: dict[str, tuple[float, str]] = {}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A connection that has been looked up in Airflow, before any call to AWS."""

    key: Key
    hook: Any
    config: Any
    since: float


def aws_for(connection: AwsConnection) -> SessionAws:
    """Clients of ``connection``; credentials of an assumed role are renewed before they expire.  Blocking.

    Raises ``ValueError`` with a sentence if no region is known, and Airflow's error if the connection is missing.
    """
    found = prepared(connection)
    return found if isinstance(found, SessionAws) else opened(found)


def prepared(connection: AwsConnection, *, fresh: bool = False) -> SessionAws | Prepared:
    """The Airflow part of :func:`aws_for`: the cached clients, or the input of :func:`opened`.

    ``fresh``: ignore cached clients.

    Raises ``ValueError`` for an external id without a role.
    """
    if connection.external_id and not connection.assume_role_arn:
        raise ValueError(
            "external_id needs assume_role_arn, which is not given. A connection can have both in its extra."
        )
    conn_id = connection.aws_conn_id
    if fresh and conn_id is not None:
        _SEEN.pop(conn_id, None)
    key = (connection, _fingerprint(conn_id))
    kept = _KEPT.get(key)
    if kept is not None and not fresh and time.monotonic() - kept[0] < KEEP_S:
        return kept[1]
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

    hook: Any = AwsGenericHook(aws_conn_id=conn_id, region_name=connection.region_name, client_type="sagemaker")
    # Look up the connection now: the next part must not call Airflow.
    return Prepared(key, hook, hook.conn_config, time.monotonic())


def opened(looked_up: Prepared) -> SessionAws:
    """The clients of the connection ``looked_up``.  May call STS.  They replace the earlier clients everywhere."""
    key = looked_up.key
    with _LOCK:
        opening = _OPENING.setdefault(key, threading.Lock())
    with opening:  # an unresponsive STS must not delay other connections
        kept = _KEPT.get(key)
        if kept is not None and kept[0] > looked_up.since:
            return kept[1]
        aws = _make(looked_up)
        if kept is not None:
            kept[1].take(aws)
            aws = kept[1]
        with _LOCK:
            for stale in [k for k in _KEPT if k[0] == key[0]]:
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
        # Like the Amazon provider, fall back to boto3's credential chain if aws_default is not defined.
        if type(error).__name__ != "AirflowNotFoundException":
            raise
        _raise_if_away(conn_id)
        if conn_id == "aws_default":
            return "missing"
        raise


def _raise_if_away(conn_id: str) -> None:
    """Raise Airflow's actual error for ``conn_id``, unless the connection really does not exist.

    The SDK also reports a connection as undefined if the API server does not respond (3.3.2).  With ``aws_default`` the
    step would then run with whatever credentials the machine has.
    """
    try:
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.comms import GetConnection
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS
    except ImportError:  # no supervisor to ask
        return
    try:
        SUPERVISOR_COMMS.send(GetConnection(conn_id=conn_id))
    except AirflowRuntimeError as error:
        if error.error.error.value != "CONNECTION_NOT_FOUND":
            raise


def _make(looked_up: Prepared) -> SessionAws:
    (connection, fingerprint), hook = looked_up.key, looked_up.hook
    conn_id, role, external_id = connection.aws_conn_id, connection.assume_role_arn, connection.external_id
    session = hook.get_session(region_name=connection.region_name)
    region = connection.region_name or session.region_name
    if not region:
        where = f'connection "{conn_id}" names' if conn_id else "boto3's own credential chain (aws_conn_id=None) knows"
        fix = 'add "region_name" to its extra' if conn_id else "set AWS_DEFAULT_REGION where tasks run"
        raise ValueError(f"{where} no region: {fix}, or pass region_name= to the step.")
    if role:
        sts = {"endpoint_url": looked_up.config.get_service_endpoint_url("sts"), "verify": hook.verify}
        session = _assuming(role, external_id, session, region, sts)
    return SessionAws(
        session,
        region,
        key=f"{conn_id}/{region}/{role or ''}/{external_id or ''}/{fingerprint}",
        endpoint_of=looked_up.config.get_service_endpoint_url,
        config=hook.config,
        verify=hook.verify,
        events_queue_url="" if role else _events_queue(looked_up.config.extra_config, region),
    )


def _events_queue(extra: Mapping[str, object], region: str) -> str:
    """The connection's queue for job events, if it is in this region."""
    url = str(extra.get(EVENTS_QUEUE) or "")
    return url if region_of(url) in ("", region) else ""


def _assuming(role: str, external_id: str | None, session: Session, region: str, sts: Mapping[str, object]) -> Any:
    """A session as ``role``, whose credentials botocore fetches on first use and renews in time."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    source = session.get_credentials()
    if source is None:
        raise NoCredentialsError

    def client(service: str, **members: object) -> Any:
        return session.client(service, region_name=region, **sts, **members)

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=client,
        source_credentials=source,
        role_arn=role,
        extra_args={"RoleSessionName": SESSION_NAME, **({"ExternalId": external_id} if external_id else {})},
    )
    assumed: Any = botocore.session.get_session()
    assumed._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=assumed, region_name=region)
