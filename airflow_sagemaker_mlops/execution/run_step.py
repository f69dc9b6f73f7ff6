"""One step from its slice of the plan to its result: the entry point of ``execution``.

A step that waits can be run in two parts, so that one process submits it and another one watches it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from .aws import error_code, error_message, is_transient
from .failures import StepFailed, StepRefused
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
    return await _refused(run, _AT_ONCE[run.entry.how](run))


async def submit(run: StepRun) -> Submitted:
    """Begin a step that waits; safe to be done again after any mishap."""
    return await _refused(run, _SUBMIT[run.entry.how](run))


async def follow(run: StepRun, submitted: Submitted) -> StepResult:
    """Wait for what :func:`submit` began, here or in another process."""
    return await _refused(run, _FOLLOW[run.entry.how](run, submitted))


Result = TypeVar("Result")
MAY_PASS = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})  # new credentials may be there soon


async def _refused(run: StepRun, work: Awaitable[Result]) -> Result:
    """``work``, with AWS's refusals as :class:`StepRefused`: asking again would be refused again.

    Everything else (throttled, 5xx, no answer) is raised as it is, for the caller to try again.
    """
    try:
        return await work
    except StepFailed:
        raise
    except Exception as error:
        operation = getattr(error, "operation_name", run.entry.create)
        if type(error).__name__ == "ParamValidationError":
            raise StepRefused(run.identity.step, operation, "ParamValidation", str(error)) from error
        if error_code(error) and error_code(error) not in MAY_PASS and not is_transient(error):
            raise StepRefused(run.identity.step, operation, error_code(error), error_message(error)) from error
        raise
