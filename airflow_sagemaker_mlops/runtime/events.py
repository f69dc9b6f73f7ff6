"""The data that a worker hands over to a trigger, and that a trigger sends to the worker that resumes its task.

Airflow stores both as JSON, and the process that reads them may run another version of this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..execution.identity import StepIdentity
from ..execution.step_run import Submitted


@dataclass(frozen=True, slots=True)
class HandOver:
    """The state that a worker passes to the trigger when it defers a step.

    step_start   the recorder's data about the step, as JSON; ``None`` if nothing is recorded
    secrets      values that must not appear in logs
    published    links and the request, by XCom key
    parameters   values of the pipeline's parameters that the step reads
    """

    identity: StepIdentity
    submitted: Submitted
    step_start: Mapping[str, Any] | None = None
    secrets: Sequence[str] = ()
    published: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the trigger's arguments."""
        data: dict[str, Any] = {"identity": asdict(self.identity), "submitted": asdict(self.submitted)}
        if self.step_start is not None:
            data["step_start"] = dict(self.step_start)
        given = {"published": dict(self.published), "parameters": dict(self.parameters)}
        return {**data, "secrets": list(self.secrets), **given}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HandOver:
        """The inverse of :meth:`to_json`."""
        return cls(
            StepIdentity(**data["identity"]),
            Submitted.from_json(data["submitted"]),
            data.get("step_start"),
            data.get("secrets") or (),
            data.get("published") or {},
            data.get("parameters") or {},
        )


@dataclass(frozen=True, slots=True)
class WorkerNeeded:
    """Only a worker can decide what to do: it has the definition, and can distinguish a retry from a clear."""


@dataclass(frozen=True, slots=True)
class StepSucceeded:
    """The step succeeded; a worker ends its task."""

    result: Mapping[str, Any]
    published: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepEndedBadly:
    """The step failed or was stopped.

    error    as a sentence
    cause    the cause for retry policies, if a worker has to apply them; otherwise empty
    report   the text for the task log in place of a traceback
    result   of the failed step, for steps that run on its failure
    """

    error: str
    cause: str = ""
    report: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepInterrupted:
    """The trigger could not run the step to its end; its job may still be running.

    outage   whether Airflow or AWS could not be reached
    """

    error: str
    trace: str = ""
    outage: bool = False


@dataclass(frozen=True, slots=True)
class PipelineEndedBadly:
    """The pipeline's run failed.

    result    the status task's XCom
    failure   why, as a sentence
    """

    result: Mapping[str, Any]
    failure: str


Event = WorkerNeeded | StepSucceeded | StepEndedBadly | StepInterrupted | PipelineEndedBadly
_BY_NAME: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (WorkerNeeded, StepSucceeded, StepEndedBadly, StepInterrupted, PipelineEndedBadly)
}


def to_payload(event: Event) -> dict[str, Any]:
    """``event`` as the payload of Airflow's ``TriggerEvent``."""
    return {"event": type(event).__name__, **{one.name: _plain(getattr(event, one.name)) for one in fields(event)}}


def from_payload(payload: Mapping[str, Any] | None) -> Event:
    """The event in ``payload``; an unknown one becomes ``StepInterrupted``."""
    values = dict(payload or {})
    kind = _BY_NAME.get(str(values.pop("event", "")))
    if kind is None:
        return StepInterrupted(f"the trigger ended with an unknown event: {payload}")
    known = {one.name for one in fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in known})


def _plain(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
