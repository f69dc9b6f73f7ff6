"""The input of a running step (:class:`StepRun`) and its output (:class:`StepResult`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ..definition.property_paths import select
from ..plan.spec import StepSpec
from ..steps.catalogue import entry_of
from ..steps.control import AIRFLOW_OPERATOR
from ..steps.model import StepType
from .aws.clients import Aws
from .callback_inbox import CallbackInbox, MemoryCallbackInbox
from .identity import StepIdentity
from .journal import Entry, Journal, MemoryJournal, MemoryNotes, Notes, with_handle
from .request_overrides import NO_OVERRIDES, RequestOverrides
from .scope import Scope

LogMode = Literal["end", "live", "off"]


async def _nowhere(_facts: Mapping[str, str]) -> None:
    """Publish nothing."""


async def _unhidden(_secrets: Sequence[str]) -> None:
    """Hide nothing, because nothing is logged."""


@dataclass(frozen=True, slots=True)
class ExecutionOptions:
    """How a step talks to AWS.

    poll_interval_s   maximum interval between polls of a running job; new jobs are polled more often
    logs              when to copy container log lines to the task log: at the end, during the job, or never
    log_lines         maximum number of lines per step; the last ones are kept
    stubs             stub results of steps that are not executed, see ``execution.stubs.run``
    answers           {x-approval step: {"decision", "user", "at", "comment"}}, used instead of waiting for them
    overrides         replacements of inputs in a reproduction
    """

    poll_interval_s: float = 30.0
    logs: LogMode = "end"
    log_lines: int = 1000
    stubs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    overrides: RequestOverrides = NO_OVERRIDES


def _nobody(_name: str, _answer: Mapping[str, object]) -> None:
    """Ignore how a job ended."""


async def _unrecorded(run: StepRun, work: Callable[[StepRun], Awaitable[StepResult]]) -> dict[str, Any]:
    """Run a ForEach step's child without recording it."""
    return (await work(run)).as_json()


@dataclass(frozen=True, slots=True)
class StepRun:
    """One attempt at one step, with everything it needs.

    spec      the step's slice of the definition, expressions as written
    log       writes a line to the task log
    publish   publishes facts while the step runs: "name", "arn", "console", "logs", "output", "request" (JSON)
    mask      masks secrets of the request in the task log
    journal   what the step remembers between its attempts
    notes     results of a ForEach step's children, by child name
    inbox     where answers to a Callback step arrive
    running_children   those of a ForEach step
    finished_jobs   final descriptions of this attempt's jobs, by name, so that Describe is not called again
    job_ended   called with each job's name and final description, before its log is read
    loop      the ForEach step that this is a child of
    is_continuation   whether that step continues after an interruption; a failed job is then its child's, which has no
                      journal
    run_child   runs a child of a ForEach step, and records it if the step is recorded
    """

    spec: StepSpec
    step_type: str
    identity: StepIdentity
    scope: Scope
    aws: Aws
    log: Callable[[str], None]
    publish: Callable[[Mapping[str, str]], Awaitable[None]] = _nowhere
    mask: Callable[[Sequence[str]], Awaitable[None]] = _unhidden
    journal: Journal = field(default_factory=MemoryJournal)
    notes: Notes = field(default_factory=MemoryNotes)
    inbox: CallbackInbox = field(default_factory=MemoryCallbackInbox)
    options: ExecutionOptions = field(default_factory=ExecutionOptions)
    running_children: dict[str, StepRun] = field(default_factory=dict)
    finished_jobs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    job_ended: Callable[[str, Mapping[str, Any]], None] = _nobody
    loop: str = ""
    is_continuation: bool = False
    run_child: Callable[[StepRun, Callable[[StepRun], Awaitable[StepResult]]], Awaitable[dict[str, Any]]] = _unrecorded

    @property
    def entry(self) -> StepType:
        """The step type's entry in the step table."""
        return entry_of(self.step_type) or AIRFLOW_OPERATOR

    def pruned(self, properties: Mapping[str, object]) -> Mapping[str, Any]:
        """``properties`` without members that no other step references."""
        return properties if self.spec.outputs == "all" else select(properties, list(self.spec.outputs))


@dataclass(frozen=True, slots=True)
class Submitted:
    """A resource that exists and is awaited.

    handle    as in the step's :class:`Entry`
    adopted   whether an earlier attempt had created it
    facts     further data needed to wait for it, as plain JSON, because another process may wait
    """

    name: str
    handle: str
    ordinal: int
    since: str
    adopted: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Submitted:
        """What ``asdict`` made ``data`` of; earlier versions called the handle "arn"."""
        return cls(**with_handle(data))

    def entry(self, identity: StepIdentity) -> Entry:
        """The journal entry of the attempt ``identity`` while it waits for this."""
        return Entry.of(identity, self.name, self.ordinal, is_running=True, handle=self.handle)


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended; its task pushes :meth:`as_json`.

    properties   the property document, pruned to what later steps reference
    status       Succeeded, Failed or Stopped
    facts        further members: "Metrics", "Decision"
    """

    step: str
    type: str
    name: str | None
    arn: str | None
    properties: Mapping[str, Any]
    started: str
    ended: str
    status: str = "Succeeded"
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The value of the task's ``return_value`` XCom."""
        return {
            "Step": self.step,
            "Type": self.type,
            "Status": self.status,
            "Name": self.name,
            "Arn": self.arn,
            "Properties": dict(self.properties),
            "StartTime": self.started,
            "EndTime": self.ended,
            "Reused": False,
            **self.facts,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StepResult:
        """The inverse of :meth:`as_json`; also for a reused result, whose ``Reused`` is among its facts."""
        known = ("Step", "Type", "Status", "Name", "Arn", "Properties", "StartTime", "EndTime")
        facts = {key: item for key, item in value.items() if key not in known and (key, item) != ("Reused", False)}
        return cls(
            step=str(value.get("Step", "")),
            type=str(value.get("Type", "")),
            name=value.get("Name"),
            arn=value.get("Arn"),
            properties=value.get("Properties") or {},
            started=str(value.get("StartTime", "")),
            ended=str(value.get("EndTime", "")),
            status=str(value.get("Status", "Succeeded")),
            facts=facts,
        )


def now() -> str:
    """The current time in the format of results, ISO 8601 UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
