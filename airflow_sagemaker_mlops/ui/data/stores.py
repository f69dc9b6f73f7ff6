"""The store of a run's record, opened in the API server with the connection that the workers use for records."""

from __future__ import annotations

import functools
import logging
import threading
from typing import Any
from weakref import WeakKeyDictionary

from ... import settings
from ...hooks.connection import AwsConnection
from ...records.store.open import open_store
from ...records.store.protocol import Store

CONNECT_S = 2
READ_S = 4
MAX_CONNECTIONS = 50  # to one service; the threads of several requests share its client
_CLIENTS: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()  # of the boto3 sessions
_LOCK = threading.Lock()
log = logging.getLogger(__name__)


@functools.lru_cache(maxsize=32)
def _split(uri: str) -> tuple[str, str]:
    head, _, name = uri.rpartition("/records/")
    base, _, dag = head.rpartition("/")
    return base, f"{dag}/records/{name}"


def place_of(uri: str) -> tuple[str, str]:
    """The location and the key of the record at ``uri``, which the status task has stored.

    Raises ``ValueError`` if it is not the address of a record.
    """
    base, key = _split(uri)
    if not base or not key.endswith(".json") or key.startswith("/"):
        raise ValueError(f'"{uri}" is not the address of a record.')
    return base, key


def opened(location: str) -> Store:
    """The store.  May ask STS; its calls give up after a few seconds."""
    return open_store(location, lambda: client_of("s3"))


def aws_connection() -> Any:
    """Clients of the default connection.  Raises Airflow's error if it is missing."""
    from ...hooks.aws import aws_for

    return aws_for(AwsConnection(settings.aws_conn_id(), settings.region_name()))


def is_local() -> bool:
    """Whether the default connection leads to this machine, so that the AWS console does not have its resources."""
    try:
        return bool(aws_connection().is_local)
    except Exception:  # without a connection there is no account that a link could lead to
        return True


def client_of(service: str) -> Any:
    """A client of the default connection that gives up after a few seconds; created once for each boto3 session."""
    aws = aws_connection()
    with _LOCK:
        made = _CLIENTS.setdefault(aws.session, {})
    if service not in made:
        made[service] = aws.make(service, aws.region, _config(aws.config))
    return made[service]


@functools.cache
def warm_up() -> None:
    """Create the clients in a thread, once in a process.

    The imports and the models of the services take half a second of CPU, and the first page would wait for them.
    """
    threading.Thread(target=_create_clients, name="clients for pages", daemon=True).start()


def _create_clients() -> None:
    try:
        for service in ("s3", "sagemaker"):
            client_of(service)
    except Exception as error:  # the page that needs the connection says what is wrong with it
        log.debug("no clients for pages yet: %s", error)


def _config(of_connection: Any) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=MAX_CONNECTIONS,
    )
    return of_connection.merge(config) if of_connection is not None else config
