"""The ways in which a step can fail, each with a sentence for readers of the task log."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class StepFailed(Exception):
    """The step failed, and a retry would not help: a failed job, a refused request, a wrong value.

    result   the step's result for steps that run on its failure, as its task pushes it; empty if there is none
    """

    result: Mapping[str, Any] = MappingProxyType({})
    details: str = ""

    @property
    def report(self) -> str:
        """The text for the task log, cause first; several lines for a failed job."""
        return self.details or str(self)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped rather than failed."""
        return self.result.get("Status") == "Stopped"


class JobFailed(StepFailed):
    """A job ended in a state other than success.

    reason   the service's ``FailureReason``, unchanged
    """

    def __init__(
        self, step: str, job: str, status: str, reason: str, result: Mapping[str, object] | None = None
    ) -> None:
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
    """The response of a call was lost; whether it was executed is unknown, so it is not repeated."""

    def __init__(self, step: str, function: str, error: object) -> None:
        super().__init__(
            f'Step "{step}": {function} gave no response ({error}). It may have run, so it is not invoked again unless '
            f"the step's RetryPolicies name Step.SERVICE_FAULT."
        )


class UnresolvedExpression(StepFailed):
    """An expression of the step has no usable value."""

    def __init__(self, step: str, expression: str, why: str, *, place: str = "") -> None:
        self.step, self.expression, self.why, self.place = step, expression, why, place
        at = f" at {place}" if place else ""
        super().__init__(f'Step "{step}"{at}: {expression} {why}')


class PipelineFailStep(StepFailed):
    """A Fail step was reached; the message is from the document."""


class NameTaken(StepFailed):
    """A resource with the name that this step needs already exists, but is not ours."""

    def __init__(self, step: str, name: str) -> None:
        super().__init__(f'Step "{step}": "{name}" already exists without this run\'s tags, so it was not used.')
