"""Copies container log lines from CloudWatch to the task log."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...aws_errors import error_code, error_message
from ..aws.calls import call
from ..failure_report import LAST_LINES
from ..step_run import StepRun

if TYPE_CHECKING:
    from ...json_types import AwsShape

LIVE_EVERY_S = 2.0
SETTLE_S = 1.0  # CloudWatch shows the last lines a moment after the job has ended


@dataclass(slots=True)
class LogTail:
    """A context manager that copies the log of the job ``job``; leaving it copies the rest.

    Log errors never fail the step; each is reported once.
    """

    run: StepRun
    job: str
    tokens: dict[str, str] = field(default_factory=dict)
    live: asyncio.Task[None] | None = None
    broken: bool = False
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    async def __aenter__(self) -> LogTail:
        if self.run.options.logs == "live" and self._has_log():
            self.live = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.cancel()
            await asyncio.gather(self.live, return_exceptions=True)
        if kind is None and self.run.options.logs != "off" and self._has_log():
            await self._bring()

    def _has_log(self) -> bool:
        entry = self.run.entry
        return bool(entry.log_group) and not entry.update  # an endpoint logs its requests, not this step

    async def _follow(self) -> None:
        while not self.broken:
            await self._bring()
            await asyncio.sleep(LIVE_EVERY_S)

    async def _bring(self) -> None:
        lines: deque[str] = deque(maxlen=self.run.options.log_lines)
        try:
            for stream in await self._streams():
                await self._read(stream, lines)
        except Exception as error:
            if error_code(error) != "ResourceNotFoundException":  # nothing was logged (yet)
                self.broken = True
                self.run.log(f"the log of {self.job} could not be read: {error_message(error)}")
        self.last.extend(lines)
        for line in lines:
            self.run.log(line)

    async def last_lines(self) -> list[str]:
        """The last lines of the job's log, even if they are not copied to the task log."""
        if not self.last and self._has_log():
            with suppress(Exception):  # the failure is reported with or without them
                for stream in await self._streams():
                    members = {"logGroupName": self.run.entry.log_group, "logStreamName": stream, "limit": LAST_LINES}
                    answer = await call(self.run.aws, "logs", "GetLogEvents", **members)
                    self.last.extend(map(_line, answer.get("events", [])))
        return list(self.last)

    @property
    def place(self) -> str:
        """The location of the whole log."""
        if not self._has_log():
            return ""
        return f'CloudWatch log group {self.run.entry.log_group}, streams that begin with "{self.job}/"'

    async def _streams(self) -> list[str]:
        members = {"logGroupName": self.run.entry.log_group, "logStreamNamePrefix": f"{self.job}/"}
        answer = await call(self.run.aws, "logs", "DescribeLogStreams", **members)
        return [stream["logStreamName"] for stream in answer.get("logStreams", [])]

    async def _read(self, stream: str, lines: deque[str]) -> None:
        while True:
            members: dict[str, Any] = {
                "logGroupName": self.run.entry.log_group,
                "logStreamName": stream,
                "startFromHead": True,
            }
            if stream in self.tokens:
                members["nextToken"] = self.tokens[stream]
            answer = await call(self.run.aws, "logs", "GetLogEvents", **members)
            lines.extend(map(_line, answer.get("events", [])))
            token = answer.get("nextForwardToken")
            # CloudWatch returns the same token again when there are no more events for now.
            if not token or token == self.tokens.get(stream) or not answer.get("events"):
                if token:
                    self.tokens[stream] = token
                return
            self.tokens[stream] = token


def _line(event: AwsShape) -> str:
    """A log event as text, with the container's timestamp (UTC)."""
    text = str(event["message"]).rstrip("\n")
    at = event.get("timestamp")
    return text if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S} {text}"
