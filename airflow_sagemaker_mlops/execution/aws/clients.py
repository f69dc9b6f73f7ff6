"""AWS access for ``execution``: clients by service, calls outside the event loop, and classification of errors."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol

from ...aws_errors import error_code
from ..backoff import Backoff
from .threads import in_thread

LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?/?$")
IN_USE = frozenset({"ResourceInUse", "ResourceInUseException", "ConflictException", "ResourceAlreadyExists"})
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)
# botocore's errors for a call without a response
NO_ANSWER = frozenset({"HTTPClientError", "ConnectionError", "IncompleteReadError", "ResponseStreamingError"})
NEVER_SENT = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"})
FOUND_LATER = frozenset({"CredentialRetrievalError", "TokenRetrievalError", "MetadataRetrievalError"})
OUT_OF_DATE = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
# A key that is being rotated, or a clock that is minutes off; AWS uses the same codes for keys that were never valid
NOT_RECOGNISED = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidToken",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
    }
)
MISSED = frozenset({"NoCredentialsError", "PartialCredentialsError"})
ENDING = ("Stop", "Cancel", "Terminate", "Delete")  # operation prefixes that use the urgent thread pool
READ_TIMEOUT_S = 70.0
TRIES = 6  # of a call that is retried on transient errors


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


async def tags_of(ask: Callable[..., Awaitable[dict[str, Any]]], arn: object) -> dict[str, str]:
    """{key: value} of a SageMaker resource; ``ask`` is :func:`call` bound to an account, or a variant that retries."""
    tags: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        answer = await ask("sagemaker", "ListTags", ResourceArn=arn, **token)
        tags.update({tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])})
        if not answer.get("NextToken"):
            return tags
        token = {"NextToken": answer["NextToken"]}


async def call(aws: Aws, service: str, operation: str, **members: Any) -> dict[str, Any]:
    """Call ``operation`` in a thread; returns the response without its metadata."""
    answer = await in_thread(aws.key, _call, aws, service, operation, members, urgent=operation.startswith(ENDING))
    answer.pop("ResponseMetadata", None)
    return answer


async def insist(aws: Aws, service: str, operation: str, **members: Any) -> dict[str, Any]:
    """Like :func:`call`, but retries transient errors.  Only for idempotent operations."""
    return await patiently(lambda: call(aws, service, operation, **members), is_transient)


async def patiently(
    ask: Callable[[], Awaitable[dict[str, Any]]], passes: Callable[[Exception], bool]
) -> dict[str, Any]:
    """The result of ``ask``, which is retried after errors that ``passes`` accepts."""
    for pause in islice(Backoff(2.0, 20.0, 2.0), TRIES - 1):
        try:
            return await ask()
        except Exception as error:
            if not passes(error):
                raise
            await asyncio.sleep(pause)
    return await ask()


def _call(aws: Aws, service: str, operation: str, members: Mapping[str, object]) -> dict[str, Any]:
    from botocore import xform_name

    method = getattr(aws.client(service), xform_name(operation))
    return dict(method(**members))


def is_throttled(error: Exception) -> bool:
    """Whether the call was throttled, and so not executed."""
    return error_code(error) in THROTTLED


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed later: throttled, 5xx, or no response."""
    if is_throttled(error):
        return True
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return bool(status >= 500 and status != 501)
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    return any(cls.__name__ in NO_ANSWER for cls in type(error).__mro__)


def may_be_done(error: Exception) -> bool:
    """Whether the call may have been executed, with only its response lost."""
    answered = isinstance(getattr(error, "response", None), dict)
    return is_transient(error) and not answered and type(error).__name__ not in NEVER_SENT


def is_out_of_date(error: Exception) -> bool:
    """Whether the credentials have expired or could temporarily not be fetched: new ones may be available soon."""
    return error_code(error) in OUT_OF_DATE or type(error).__name__ in FOUND_LATER


def may_pass(error: Exception) -> bool:
    """Whether the error may be temporary for an existing job, whose credentials were valid when it was created."""
    return is_out_of_date(error) or error_code(error) in NOT_RECOGNISED or type(error).__name__ in MISSED


def misconfigured(error: Exception) -> str:
    """What botocore lacks before it can make any call (credentials, a region); empty for other errors."""
    name = type(error).__name__
    ours = type(error).__module__ == "botocore.exceptions" and not error_code(error) and not is_transient(error)
    return name.removesuffix("Error") if ours and name not in FOUND_LATER else ""


def unknown_region(aws: Aws, service: str, error: Exception) -> str:
    """A sentence if there was no connection and botocore knows no ``service`` in the region; otherwise empty."""
    if type(error).__name__ != "EndpointConnectionError" or aws.is_local:
        return ""
    session = getattr(aws, "session", None)
    known = (
        [
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions(service, partition_name=partition)
        ]
        if session is not None
        else [aws.region]
    )
    return "" if aws.region in known else f'no {service} is known in region "{aws.region}" ({error})'


def as_json(value: object) -> Any:
    """An API response as plain JSON: times in ISO 8601 UTC, decimals as numbers, without bytes."""
    match value:
        case Mapping():
            return {key: as_json(item) for key, item in value.items() if not isinstance(item, bytes)}
        case list() | tuple():
            return [as_json(item) for item in value]
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value
