"""Calls outside the event loop, in the threads of their account, and their answers as plain JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..backoff import Backoff
from .errors import is_transient
from .threads import in_thread

if TYPE_CHECKING:
    from .clients import Aws

ENDING = ("Stop", "Cancel", "Terminate", "Delete")  # operation prefixes that use the urgent thread pool
TRIES = 6  # of a call that is retried on transient errors


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


async def call_with_retries(aws: Aws, service: str, operation: str, **members: Any) -> dict[str, Any]:
    """Like :func:`call`, but retries transient errors.  Only for idempotent operations."""
    return await retrying(lambda: call(aws, service, operation, **members), is_transient)


async def retrying(ask: Callable[[], Awaitable[dict[str, Any]]], passes: Callable[[Exception], bool]) -> dict[str, Any]:
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
