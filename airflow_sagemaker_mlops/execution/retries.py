"""Retries by cause: a document's RetryPolicies, and the defaults for throttling and service faults.

Rules: docs/language/retries.md.
Every retry creates a new job with a new name.  Errors in the user's code match no policy and are not retried.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .aws.errors import is_throttled, is_transient, may_pass
from .backoff import Backoff
from .exceptions import JobFailed, StepRefused, Unanswered
from .job_state import JobState
from .journal import Entry
from .runners.base import runner_of
from .step_run import StepRun

THROTTLING, FAULT = "Step.THROTTLING", "Step.SERVICE_FAULT"
CAPACITY, LIMIT, INTERNAL = "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT", "SageMaker.JOB_INTERNAL_ERROR"
DEFAULT_ATTEMPTS = 5
NOTE = "sagemaker_retries"
DOUBLING = Backoff(1.0, factor=2.0)


@dataclass(frozen=True, slots=True)
class Policy:
    """One entry of ``RetryPolicies``; attempts are retries, and 0 means none.

    expire_s   how long after the step's start retries continue; ``None`` if attempts are counted instead
    """

    causes: tuple[str, ...]
    backoff: Backoff = DOUBLING
    attempts: int | None = DEFAULT_ATTEMPTS
    expire_s: float | None = None


BUILT_IN = (Policy((THROTTLING, FAULT)),)


def policies_of(items: Sequence[Mapping[str, Any]]) -> tuple[Policy, ...]:
    """The document's policies, then the built-in one for causes that they do not name."""
    return (*map(_policy, items), *BUILT_IN)


def _policy(item: Mapping[str, Any]) -> Policy:
    given = item.get("ExceptionType") or []
    causes = (given,) if isinstance(given, str) else tuple(str(cause) for cause in given)
    attempts, expire, rate = item.get("MaxAttempts"), item.get("ExpireAfterMin"), item.get("BackoffRate")
    if attempts is None and expire is None:
        attempts = DEFAULT_ATTEMPTS
    return Policy(
        causes,
        Backoff(float(item.get("IntervalSeconds") or 1), factor=float(2.0 if rate is None else rate)),
        None if attempts is None else int(attempts),
        None if expire is None else float(expire) * 60,
    )


def cause_of(error: Exception) -> str:
    """The exception type of ``error`` in the definition language; empty if it is not retried."""
    if isinstance(error, JobFailed):
        return _cause_of_reason(error.reason)
    if isinstance(error, StepRefused):
        return LIMIT if error.code == "ResourceLimitExceeded" else CAPACITY if "Capacity" in error.code else ""
    if isinstance(error, Unanswered):
        return FAULT
    if is_transient(error) or may_pass(error):
        return THROTTLING if is_throttled(error) else FAULT
    return ""


def _cause_of_reason(reason: str) -> str:
    """Spellings seen in ``FailureReason``; AWS does not document them."""
    head = reason.partition(":")[0]
    if head.startswith(("CapacityError", "InsufficientInstanceCapacity", "InsufficientCapacity")):
        return CAPACITY
    if head.startswith("ResourceLimitExceeded"):
        return LIMIT
    return INTERNAL if head.startswith(("InternalServerError", "InternalServerException")) else ""


@dataclass(slots=True)
class Retries:
    """The number of retries of a step by policy; stored in the step's notes, so that counting survives a restart.

    counts    {index of the policy: retries}
    started   time of the first retry decision, seconds since 1970
    """

    run: StepRun
    policies: tuple[Policy, ...]
    counts: dict[str, int] = field(default_factory=dict)
    started: float = 0.0

    @classmethod
    async def of(cls, run: StepRun) -> Retries:
        """Load the retries of a step so far."""
        made = cls(run, policies_of(run.spec.retry_policies))
        noted = await run.notes.load(NOTE)
        if isinstance(noted, dict) and _is_continued(run, noted, await run.journal.read()):
            made.counts, made.started = dict(noted["counts"]), float(noted["started"])
        return made

    async def pause_after(self, error: Exception) -> float | None:
        """Seconds to wait before the next attempt; ``None`` if there is none."""
        # A call that may have been executed is repeated only if the document says so.
        policies = self.policies[: -len(BUILT_IN)] if isinstance(error, Unanswered) else self.policies
        pause = await self._pause(cause_of(error), str(error), policies)
        if pause is None and self.counts and not isinstance(error, JobFailed):
            self.counts, self.started = {}, 0.0  # no job has failed, so the next attempt has the same ordinal
            await self._save(None)
        return pause

    async def pause_for(self, cause: str, words: str) -> float | None:
        """The same for an error in another process, given as its exception type in the language and its message."""
        return await self._pause(cause, words, self.policies)

    async def _pause(self, cause: str, words: str, policies: Sequence[Policy]) -> float | None:
        if not cause or (cause == INTERNAL and self.run.entry.retries_itself):
            return None
        if not runner_of(self.run.entry).may_be_retried:
            return None
        found = next(((i, p) for i, p in enumerate(policies) if cause in p.causes), None)
        if found is None:
            return None
        index, policy = found
        now = time.time()
        self.started = self.started or now
        count = self.counts.get(str(index), 0)
        if policy.attempts is not None and count >= policy.attempts:
            return None
        pause = policy.backoff.nth(count)
        if policy.expire_s is not None and now + pause - self.started > policy.expire_s:
            return None
        self.counts[str(index)] = count + 1
        failed = await self.run.journal.read()
        await self._save(failed)
        if failed is not None and failed.state.has_failed:
            await self.run.journal.write(failed.advance(JobState.FAILURE_REPORTED))
        most = "" if policy.attempts is None else f" of {policy.attempts}"
        self.run.log(f"{cause}: retry {count + 1}{most} in {pause:g} s: {words}")
        return pause

    async def _save(self, failed: Entry | None) -> None:
        identity = self.run.identity
        noted = {"try": identity.try_number, "generation": identity.generation, "ordinal": failed and failed.ordinal}
        await self.run.notes.save(NOTE, {**noted, "counts": self.counts, "started": self.started})

    @property
    def total(self) -> int:
        """The total number of retries of this step."""
        return sum(self.counts.values())


def _is_continued(run: StepRun, noted: Mapping[str, Any], entry: Entry | None) -> bool:
    """Whether the retries in ``noted`` apply to the failure of ``entry``.

    They apply within an attempt, and in the attempts after a killed process, which continue with the job that failed or
    with its replacement.  A later job was requested by a user or by Airflow's ``retries``.
    """
    identity = run.identity
    if noted.get("try") == identity.try_number:
        return True
    if entry is None or noted.get("ordinal") is None or noted.get("generation") != identity.generation:
        return False
    return entry.ordinal - int(noted["ordinal"]) in (0, 1)
