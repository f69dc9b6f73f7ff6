"""Waits for jobs together: one poller per connection and job kind, however many steps wait.

A single waiting step is described; several are found in one List call by their last change.  So the number of calls
grows with polls and finished jobs, not with running jobs times time.  Polls are frequent while a job is new, slow
down to the poll interval, and back off under throttling without failing any step.  Credentials that AWS refuses are
tolerated in the same way, for a while.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...aws_errors import NOT_FOUND, error_code
from ...steps.model import StepType
from ..aws.calls import call
from ..aws.clients import Aws
from ..aws.errors import NEVER_SENT, is_transient, may_pass
from ..backoff import Backoff
from ..describe import properties_of
from .eventbridge import JobEvents, events_for

if TYPE_CHECKING:
    from ...json_types import AwsShape

log = logging.getLogger(__name__)
FASTEST_S = 0.25
SHARE_OF_AGE = 0.2  # a job that has run for 10 s is polled every 2 s
OVERLAP = timedelta(seconds=90)  # how far a poll looks back, because of clocks and eventual consistency
LOOK_CLOSER_EVERY = 20  # polls after which everything is described, so a missed change cannot hang a step
NEWCOMER_WITHIN_S = 1.0  # a job from an earlier process may have ended long ago
GONE_AFTER_S = 60.0  # a new job may not be visible everywhere yet
SAFETY_NET_S = 300.0  # between two polls if events announce changes
PASSES_WITHIN_S = 600.0  # after that, the next attempt continues with new clients of the connection
AWAY_WITHIN_S = 60.0  # a local AWS that has not been restarted by then will not come back
OLDEST = datetime.min.replace(tzinfo=UTC)


class AwsUnreachable(ConnectionError):
    """The AWS on this machine no longer listens."""


class JobDisappeared(LookupError):
    """The job being waited for no longer exists."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One waiter; others may wait for the same name, e.g. runs that update one endpoint."""

    name: str
    address: AwsShape
    future: asyncio.Future[dict[str, Any]]
    on_change: Callable[[str], None]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)  # Airflow finds the task log by it
    since: float = field(default_factory=time.monotonic)
    looked: float = 0.0
    status: str = ""


@dataclass(slots=True)
class JobPoller:
    """The loop that polls all awaited resources of one kind with one set of credentials."""

    aws: Aws
    entry: StepType
    poll_interval_s: float
    waiting: list[_Waiting] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    changed_after: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=15))
    polls: int = 0
    due: float = 0.0
    newcomers: bool = False
    back_off_s: float = 0.0
    refused_since: float | None = None
    away_since: float | None = None
    unlisted: bool = False
    events: JobEvents | None = None
    has_events: bool = False
    changed: set[str] = field(default_factory=set)
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, name: str, address: AwsShape, on_change: Callable[[str], None]) -> dict[str, Any]:
        """The properties of ``name`` once it is terminal, as plain JSON.  Raises :class:`JobDisappeared`.

        address   request members that identify it for Describe
        """
        job = _Waiting(name, address, asyncio.get_running_loop().create_future(), on_change)
        self.waiting.append(job)

        def ring() -> None:
            self._ring(name)

        if self.events is not None:
            self.events.wake_on(name, ring)
        self.newcomers = True
        if self.task is None or self.task.done():
            self.due = 0.0
            self.task = asyncio.create_task(self._loop())
        elif not self.back_off_s and self.due > job.since + NEWCOMER_WITHIN_S:
            self.due = job.since + NEWCOMER_WITHIN_S
            self.bell.set()
        try:
            return await job.future
        finally:
            self.waiting.remove(job)
            if self.events is not None:
                self.events.forget(name, ring)
            if not self.waiting and self.task is not None:
                self.task.cancel()
                self.task = None

    async def _loop(self) -> None:
        try:
            while self.waiting:
                await self._turn()
                await self._rest()
        except Exception as error:
            self._fail_all(error)

    async def _turn(self) -> None:
        """Poll the waiters that are due; events for some must not delay the others."""
        try:
            await (self._look_at_all() if time.monotonic() >= self.due else self._look_at_changed())
        except Exception as error:
            if not _may_be_asked_again(error) or self._refused_too_long(error):
                raise
            self._check_that_it_listens(error)
            longest = 120.0 if self.away_since is None else 5.0
            self.back_off_s = Backoff(1.0, longest, 2.0).after(self.back_off_s)
            await self._renew(error)
        else:
            self.back_off_s, self.refused_since, self.away_since = 0.0, None, None

    async def _rest(self) -> None:
        """Sleep until the next poll or an event; during back-off, events do not shorten the sleep."""
        if self.back_off_s:
            await asyncio.sleep(self.back_off_s * random.uniform(0.5, 1.5))
            self.due = 0.0
        else:
            if time.monotonic() >= self.due:
                self.due = time.monotonic() + self._pause()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.bell.wait(), max(0.0, self.due - time.monotonic()))
        self.bell.clear()

    async def _renew(self, error: Exception) -> None:
        """If AWS refuses the credentials, switch the clients to the connection's current ones."""
        if may_pass(error) and self.aws.renew is not None:
            try:
                await self.aws.renew()
            except Exception as failed:  # then retry with the present ones
                log.warning("the connection's credentials cannot be read again: %s", failed)

    def _check_that_it_listens(self, error: Exception) -> None:
        """Raise :class:`AwsIsGone` if the AWS on this machine has refused connections for too long."""
        if type(error).__name__ not in NEVER_SENT or not self.aws.is_local:
            self.away_since = None
            return
        if self.away_since is None:
            self.away_since = time.monotonic()
            for job in self.waiting:
                _log_change(job, f"cannot be polled: the embedded AWS does not respond ({error})")
        if time.monotonic() - self.away_since >= AWAY_WITHIN_S:
            raise AwsUnreachable(
                f"the embedded AWS has not responded for {AWAY_WITHIN_S:.0f} s. Restart it with `sagemaker-mlops "
                f"local`; running jobs are found by their names. ({error})"
            )

    def _refused_too_long(self, error: Exception) -> bool:
        """Whether AWS has refused the credentials for too long to keep waiting."""
        if not may_pass(error):
            return False
        if self.refused_since is None:
            self.refused_since = time.monotonic()
            for job in self.waiting:
                _log_change(job, f"cannot be polled for now, still waiting: {error}")
        return time.monotonic() - self.refused_since >= PASSES_WITHIN_S

    def _ring(self, name: str) -> None:
        self.has_events = True
        self.changed.add(name)
        self.bell.set()

    def _pause(self) -> float:
        youngest = max((job.since for job in self.waiting), default=0.0)
        age = time.monotonic() - youngest
        # Not every kind of job sends events: rely on them only if this kind has sent one, and while they can be read.
        has_events = self.has_events and self.events is not None and self.events.readable
        longest = max(self.poll_interval_s, SAFETY_NET_S) if has_events else self.poll_interval_s
        return max(FASTEST_S, min(age * SHARE_OF_AGE, longest))

    async def _look_at_changed(self) -> None:
        changed = [job for job in self.waiting if job.name in self.changed]
        self.changed.clear()
        for job in changed:
            await self._describe(job)

    async def _look_at_all(self) -> None:
        self.changed.clear()
        closer, self.newcomers = self.newcomers or self.polls % LOOK_CLOSER_EVERY == 0, False
        self.polls += 1
        # After an interrupted poll, start with the others; otherwise throttling would starve the last ones.
        waiting = sorted(self.waiting, key=lambda job: job.looked)
        if len(waiting) > 1 and self.entry.listing and not self.unlisted:
            try:
                await (self._look_closer(waiting) if closer else self._look_for_changes())
            except Exception as error:
                self.newcomers = self.newcomers or closer
                if _may_be_asked_again(error):
                    raise
                # An identity without permission to list may still be allowed to describe.
                self.unlisted = True
                log.warning("%s is refused; describing each job from now on: %s", self.entry.listing, error)
            else:
                return
        for job in waiting:
            await self._describe(job)

    async def _look_closer(self, waiting: list[_Waiting]) -> None:
        """Describe all that are not known to be running."""
        status = self.entry.running
        running = {row[self.entry.name_key] for row in await self._list(StatusEquals=status)} if status else set()
        for job in waiting:
            if job.name in running:
                self._note_first(job, status)
            else:
                await self._describe(job)

    async def _look_for_changes(self) -> None:
        """Describe what has ended since the last poll; the number of calls is bounded by the changes."""
        rows = await self._list(LastModifiedTimeAfter=self.changed_after - OVERLAP)
        named: dict[str, list[_Waiting]] = {}
        for job in self.waiting:
            named.setdefault(job.name, []).append(job)
        for row in rows:
            status = row[self.entry.status_key]
            for job in named.get(row[self.entry.name_key], ()):
                if status in self.entry.terminal:
                    await self._describe(job)
                else:
                    self._note_first(job, status)
        # Only now, so that an interrupted poll is repeated from its start.
        self.changed_after = max([self.changed_after, *(row.get("LastModifiedTime") or OLDEST for row in rows)])

    async def _list(self, **members: Any) -> list[dict[str, Any]]:
        """All summaries that match the filters ``members``."""
        rows: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = await call(self.aws, self.entry.service, self.entry.listing, MaxResults=100, **members, **token)
            rows += answer.get(self.entry.summaries_key, [])
            if not answer.get("NextToken"):
                return rows
            token = {"NextToken": answer["NextToken"]}

    async def _describe(self, job: _Waiting) -> None:
        job.looked = time.monotonic()
        try:
            answer = await properties_of(self.aws, self.entry, job.address)
        except Exception as error:
            # A new job may not be visible everywhere yet.
            if error_code(error) in NOT_FOUND:
                if time.monotonic() - job.since > GONE_AFTER_S and not job.future.done():
                    job.future.set_exception(JobDisappeared(f"{job.name} no longer exists"))
                return
            if _may_be_asked_again(error):
                raise
            if not job.future.done():
                job.future.set_exception(error)  # only its own error: the others can still be polled
            return
        status = self.entry.status_of(answer)
        self._note(job, str(answer.get("SecondaryStatus") or status))
        if status in self.entry.terminal and not job.future.done():
            job.future.set_result(answer)

    def _note_first(self, job: _Waiting, status: str) -> None:
        if not job.status:
            self._note(job, status)

    def _note(self, job: _Waiting, status: str) -> None:
        if status != job.status:
            was, job.status = job.status, status
            if not was and status == self.entry.running:
                return  # the creation of the job was just logged
            _log_change(job, status)

    def _fail_all(self, error: Exception) -> None:
        for job in self.waiting:
            if not job.future.done():
                job.future.set_exception(error)


def _may_be_asked_again(error: Exception) -> bool:
    return is_transient(error) or may_pass(error)


def _log_change(job: _Waiting, words: str) -> None:
    with suppress(Exception):  # a log line must never end a wait
        job.context.run(job.on_change, words)


_POLLERS: dict[tuple[int, str, str], JobPoller] = {}


def poller_for(aws: Aws, entry: StepType, poll_interval_s: float) -> JobPoller:
    """The poller shared by all steps of this event loop with these credentials and this job kind."""
    loop = id(asyncio.get_running_loop())
    key = (loop, aws.key, entry.name)
    for stale in [k for k, poller in _POLLERS.items() if not poller.waiting]:
        del _POLLERS[stale]
    poller = _POLLERS.get(key)
    if poller is None:
        poller = _POLLERS[key] = JobPoller(aws, entry, poll_interval_s, events=events_for(aws))
    poller.aws = aws  # the newest clients of the same connection
    poller.poll_interval_s = min(poller.poll_interval_s, poll_interval_s)
    return poller
