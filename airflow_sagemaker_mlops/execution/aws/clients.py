"""Clients of AWS by service, for one account and region."""

from __future__ import annotations

import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?/?$")
READ_TIMEOUT_S = 70.0


class Aws(Protocol):
    """Clients of one account and region, under one identity."""

    @property
    def region(self) -> str:
        """Region of the clients."""

    @property
    def key(self) -> str:
        """Identifies a set of clients: connection, region, endpoint."""

    @property
    def is_local(self) -> bool:
        """Whether they connect to this machine, so that no real account is affected."""

    @property
    def renew(self) -> Callable[[], Awaitable[None]] | None:
        """Switches the clients to the connection's current credentials; ``None`` if that is impossible here."""

    def client(self, service: str) -> Any:
        """The boto3 client of ``service``, created once."""


def _boto_default(_service: str) -> None:
    """No special endpoint: boto3 decides."""


@dataclass(slots=True)
class SessionAws:
    """:class:`Aws` over a boto3 session.

    endpoint_of   endpoint URL of a service, ``None`` for AWS's own
    config        a botocore ``Config`` merged over ours
    events_queue_url   the SQS queue to which EventBridge sends job events, "" if there is none
    """

    session: Any
    region: str
    key: str = "session"
    endpoint_of: Callable[[str], str | None] = _boto_default
    config: Any = None
    verify: bool | str | None = None
    events_queue_url: str = ""
    renew: Callable[[], Awaitable[None]] | None = field(default=None, repr=False, compare=False)
    _clients: dict[str, Any] = field(default_factory=dict)
    _making: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """Whether they connect to this machine."""
        return bool(LOOPBACK.match(self.endpoint_of("sagemaker") or ""))

    def client(self, service: str) -> Any:
        """The boto3 client of ``service``, created once."""
        made = self._clients.get(service)
        if made is None:
            with self._making:
                made = self._clients.get(service)
                if made is None:
                    made = self._clients[service] = self._make(service, self.region, self._config(service))
        return made

    def make(self, service: str, region: str, config: object) -> Any:
        """Another client, with any region and its own botocore ``Config``."""
        with self._making:  # unlike its clients, a boto3 session is not thread-safe
            return self._make(service, region, config)

    def take(self, other: SessionAws) -> None:
        """Replace this object's session and clients with those of ``other``, which has newer credentials."""
        with self._making:
            self.session, self.endpoint_of, self.config = other.session, other.endpoint_of, other.config
            self.verify = other.verify
            self._clients = {}

    def _make(self, service: str, region: str, config: object) -> Any:
        return self.session.client(
            service, region_name=region, endpoint_url=self.endpoint_of(service), config=config, verify=self.verify
        )

    def _config(self, service: str) -> Any:
        from botocore.config import Config

        from ...steps.catalogue import STEP_TYPES

        entries = [entry for entry in STEP_TYPES.values() if entry.service == service]
        # 50 connections: one set of clients serves every step that waits in a triggerer.
        config = Config(
            retries={"mode": "standard", "max_attempts": 8},
            connect_timeout=10,
            read_timeout=READ_TIMEOUT_S,
            max_pool_connections=50,
        )
        if self.config is not None:
            config = config.merge(self.config)
        longest = max((entry.answers_in_s for entry in entries), default=0.0)
        if longest > READ_TIMEOUT_S:  # a shorter timeout of the connection would abort calls that are still running
            config = config.merge(Config(read_timeout=longest))
        if any(entry.sent_once for entry in entries):
            config = config.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
        return config
