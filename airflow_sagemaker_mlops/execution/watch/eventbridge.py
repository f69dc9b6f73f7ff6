"""Job events from an SQS queue filled by EventBridge: they wake the pollers, which then need to poll less often.

All triggerers share the queue, so a message about a job that is not awaited here is left to the others; a message that
none has taken for a while is not about a job of this Airflow.  A lost message only causes a delay: polling continues.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...definition.read.strict_json import NotJson, read_json
from ..aws.clients import Aws

if TYPE_CHECKING:
    from ...json_types import AwsShape

log = logging.getLogger(__name__)
WAIT_S = 20  # SQS's longest wait for a message
SHOWN_AGAIN_S = 5  # until others see a message that was not for us
FORGET_S = 120.0
PAUSE_S = 15.0  # after an error
QUEUE = re.compile(r"https?://sqs[.-](?P<region>[a-z0-9-]+)\.|https?://(?P<older>[a-z0-9-]+)\.queue\.")
Waker = Callable[[], None]


@dataclass(slots=True)
class JobEvents:
    """The messages of one queue, for all waiters in one event loop; a thread receives them, because the call blocks."""

    aws: Aws
    queue_url: str
    loop: asyncio.AbstractEventLoop
    wakers: dict[str, tuple[Waker, ...]] = field(default_factory=dict)
    readable: bool = True
    _receiving: bool = False
    _lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    def wake_on(self, name: str, waker: Waker) -> None:
        """Call ``waker`` in the loop when a job called ``name`` has changed; several may wait for one."""
        with self._lock:  # otherwise a thread that is about to end would count as listening
            self.wakers[name] = (*self.wakers.get(name, ()), waker)
            if self._receiving:
                return
            self._receiving = True
        threading.Thread(target=self._receive, name="sagemaker-events", daemon=True).start()

    def forget(self, name: str, waker: Waker) -> None:
        """Stop calling ``waker`` for ``name``."""
        with self._lock:
            left = tuple(other for other in self.wakers.pop(name, ()) if other is not waker)
            if left:
                self.wakers[name] = left

    def _receive(self) -> None:
        while self._keeps_receiving():
            try:
                answer = self.aws.client("sqs").receive_message(
                    QueueUrl=self.queue_url,
                    WaitTimeSeconds=WAIT_S,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=SHOWN_AGAIN_S,
                )
                self.readable = True
                for message in answer.get("Messages") or []:
                    self._take(message)
            except Exception as error:  # an unreadable queue must not end any wait
                self.readable = False
                log.warning("job events cannot be read from %s, polling continues: %s", self.queue_url, error)
                time.sleep(PAUSE_S)

    def _keeps_receiving(self) -> bool:
        with self._lock:
            self._receiving = bool(self.wakers) and not self.loop.is_closed()
            return self._receiving

    def _take(self, message: Mapping[str, object]) -> None:
        event = _event_of(message)
        wakers = [waker for name in names_in(event) for waker in self.wakers.get(name, ())]
        if wakers or age_of(event) > FORGET_S:
            self.aws.client("sqs").delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        for waker in wakers:
            self.loop.call_soon_threadsafe(waker)


def names_in(event: Mapping[str, object]) -> list[str]:
    """Names in the detail of a "SageMaker ... State Change" event."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or event.get("source") != "aws.sagemaker":
        return []
    return [str(value) for key, value in detail.items() if key.endswith("Name") and isinstance(value, str)]


def age_of(event: Mapping[str, object]) -> float:
    """Seconds since the event; infinite for anything else."""
    try:
        sent = datetime.fromisoformat(str(event.get("time", "")).replace("Z", "+00:00"))
    except ValueError:
        return float("inf")
    return (datetime.now(UTC) - (sent if sent.tzinfo else sent.replace(tzinfo=UTC))).total_seconds()


def _event_of(message: AwsShape) -> Mapping[str, Any]:
    try:
        event = read_json(message.get("Body") or "")
    except NotJson:
        return {}
    return event if isinstance(event, Mapping) else {}


_EVENTS: dict[tuple[int, str], JobEvents] = {}


def events_for(aws: Aws) -> JobEvents | None:
    """The events of the queue in ``aws``, shared within this event loop; ``None`` if it has none."""
    url = str(getattr(aws, "events_queue_url", "") or "")
    if not url:
        return None
    loop = asyncio.get_running_loop()
    for stale in [key for key, events in _EVENTS.items() if events.loop.is_closed()]:
        del _EVENTS[stale]
    key = (id(loop), url)
    if key not in _EVENTS:
        _EVENTS[key] = JobEvents(aws, url, loop)
    _EVENTS[key].aws = aws  # the newest clients of the same connection
    return _EVENTS[key]


def region_of(queue_url: str) -> str:
    """The region in a queue's URL; empty if it has none."""
    found = QUEUE.match(queue_url)
    return (found["region"] or found["older"]) if found else ""
