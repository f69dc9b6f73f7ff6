"""The trigger of an asset watcher: says when a model package may have changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from ..execution.aws.clients import SessionAws
from ..execution.aws.threads import in_thread
from ..hooks.connection import AwsConnection
from .clients import open_aws

WAIT_S = 20  # the longest that SQS lets a call wait for messages
PAUSE_S = 30.0  # after a call that was refused
log = logging.getLogger(__name__)


class ModelPackageEvents(BaseEventTrigger):
    """Fires at its start, whenever EventBridge has put events into an SQS queue, and otherwise every ``every_s``.

    What the messages say is not read: whoever is woken asks the registry, so lost, repeated and foreign messages do no
    harm.  They are deleted after the trigger has fired.
    """

    def __init__(
        self, queue_url: str, every_s: float, aws_conn_id: str | None = None, region_name: str | None = None
    ) -> None:
        super().__init__()
        self.queue_url, self.every_s = queue_url, every_s
        self.aws_conn_id, self.region_name = aws_conn_id, region_name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The trigger as Airflow stores it."""
        kwargs = {
            "queue_url": self.queue_url,
            "every_s": self.every_s,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire until Airflow ends the trigger; a queue that cannot be read only leaves the times of ``every_s``."""
        yield TriggerEvent({"why": "the watch began"})
        due = time.monotonic() + self.every_s
        while True:
            receipts = await self._received(max(0.0, due - time.monotonic()))
            if receipts:
                yield TriggerEvent({"why": "events", "messages": len(receipts)})
                await self._delete(receipts)
            elif time.monotonic() >= due:
                yield TriggerEvent({"why": "time"})
            else:
                continue
            due = time.monotonic() + self.every_s

    async def _received(self, left: float) -> list[dict[str, str]]:
        """The messages that come within ``left`` seconds, or within what SQS waits; [] also if it refuses."""
        try:
            aws = await self._aws()
            answer = await in_thread(aws.key, self._receive, aws, min(WAIT_S, int(left)))
        except Exception as error:
            log.warning("%s cannot be read, the sweeps go on: %s: %s", self.queue_url, type(error).__name__, error)
            await asyncio.sleep(min(PAUSE_S, left))
            return []
        if not answer.get("Messages") and left < 1:
            await asyncio.sleep(left)
        messages = answer.get("Messages") or []
        return [{"Id": str(index), "ReceiptHandle": one["ReceiptHandle"]} for index, one in enumerate(messages)]

    def _receive(self, aws: SessionAws, wait_s: int) -> dict[str, Any]:
        """One call, and before the first one the client: making it takes half a second, too long for the event loop."""
        made = aws.client("sqs")
        answer: dict[str, Any] = made.receive_message(
            QueueUrl=self.queue_url, WaitTimeSeconds=wait_s, MaxNumberOfMessages=10
        )
        return answer

    async def _delete(self, receipts: list[dict[str, str]]) -> None:
        try:
            aws = await self._aws()
            delete = partial(aws.client("sqs").delete_message_batch, QueueUrl=self.queue_url, Entries=receipts)
            await in_thread(aws.key, delete)
        except Exception as error:  # they come again
            log.warning("messages could not be deleted from %s: %s", self.queue_url, error)

    async def _aws(self) -> SessionAws:
        return await open_aws(AwsConnection(self.aws_conn_id, self.region_name))
