"""One step from its slice of the plan to its result: the entry point of ``execution``.

A step that waits can be run in two parts, so that one process submits it and another one watches it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .step_run import StepResult, StepRun, Submitted
from .ways import condition, endpoint, fail, function, job, package, resource

_AT_ONCE: dict[str, Callable[[StepRun], Awaitable[StepResult]]] = {
    "resource": resource.run,
    "package": package.run,
    "function": function.run,
    "condition": condition.run,
    "fail": fail.run,
}
_SUBMIT: dict[str, Callable[[StepRun], Awaitable[Submitted]]] = {"job": job.submit, "endpoint": endpoint.submit}
_FOLLOW: dict[str, Callable[[StepRun, Submitted], Awaitable[StepResult]]] = {
    "job": job.follow,
    "endpoint": endpoint.follow,
}


async def run_step(run: StepRun) -> StepResult:
    """Run the whole step in this process.  Raises :class:`~.failures.StepFailed` when it ends badly."""
    if run.entry.waits:
        return await follow(run, await submit(run))
    return await _AT_ONCE[run.entry.how](run)


async def submit(run: StepRun) -> Submitted:
    """Begin a step that waits; safe to be done again after any mishap."""
    return await _SUBMIT[run.entry.how](run)


async def follow(run: StepRun, submitted: Submitted) -> StepResult:
    """Wait for what :func:`submit` began, here or in another process."""
    return await _FOLLOW[run.entry.how](run, submitted)
