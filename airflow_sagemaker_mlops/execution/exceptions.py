"""How a step can end badly, each way with a sentence for the person who reads the task log."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class StepFailed(Exception):
    """The step ended badly and trying again changes nothing: a failed job, a refused request, a wrong value.

    result   what the step leaves for steps that run on its failure, as its task pushes it; empty when there is nothing
    """

    result: Mapping[str, Any] = MappingProxyType({})
    details: str = ""

    @property
    def report(self) -> str:
        """All that a task log says of it, the cause first; several lines for a job that failed."""
        return self.details or str(self)

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it, rather than that it failed."""
        return self.result.get("Status") == "Stopped"


class JobFailed(StepFailed):
    """A job reached a bad terminal state.

    reason   the service's ``FailureReason``, as it stands
    """

    def __init__(self, step: str, job: str, status: str, reason: str, result: Mapping[str, Any] | None = None) -> None:
        self.step, self.job, self.status, self.reason = step, job, status, reason
        self.result = result or {}
        because = f": {reason}" if reason else ""
        super().__init__(f'Step "{step}": {job} ended {status}{because}')


class StepRefused(StepFailed):
    """AWS refused the request; ``code`` is its error code."""

    def __init__(self, step: str, operation: str, code: str, message: str) -> None:
        self.step, self.operation, self.code = step, operation, code
        super().__init__(f'Step "{step}": {operation} was refused with {code}: {message}')


class Unanswered(StepFailed):
    """A call that may have been carried out lost its answer; nothing tells whether it was, and it is not sent again."""

    def __init__(self, step: str, function: str, error: object) -> None:
        super().__init__(
            f'Step "{step}": {function} gave no answer ({error}). It may have run, so it is not invoked again unless '
            f"RetryPolicies of the step name Step.SERVICE_FAULT."
        )


class UnresolvedExpression(StepFailed):
    """An expression of the step has no usable value."""

    def __init__(self, step: str, expression: str, why: str, *, place: str = "") -> None:
        self.step, self.expression, self.why, self.place = step, expression, why, place
        at = f" at {place}" if place else ""
        super().__init__(f'Step "{step}"{at}: {expression} {why}')


class PipelineFailStep(StepFailed):
    """A Fail step was reached; the message is the document's own."""


class NameTaken(StepFailed):
    """A resource of the name this step needs exists and is not ours."""

    def __init__(self, step: str, name: str) -> None:
        super().__init__(
            f'Step "{step}": "{name}" already exists and does not carry this run\'s tags, so it was left alone.'
        )
