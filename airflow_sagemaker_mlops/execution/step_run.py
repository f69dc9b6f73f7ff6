"""What a running step is given (:class:`StepRun`) and what it gives back (:class:`StepResult`)."""

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
from .callback_inbox import Mailbox, MemoryMailbox
from .identity import StepIdentity
from .journal import Entry, Journal, MemoryJournal, MemoryNotes, Notes
from .request_overrides import NO_PINS, Pins
from .scope import Scope

LogMode = Literal["end", "live", "off"]


async def _nowhere(_facts: Mapping[str, str]) -> None:
    """Publish to nobody."""


async def _unhidden(_secrets: Sequence[str]) -> None:
    """Where nothing is logged that could be hidden."""


@dataclass(frozen=True, slots=True)
class ExecutionOptions:
    """How a step talks to AWS.

    poll_interval_s   longest time between two looks at a running job; young jobs are looked at sooner
    logs              bring the containers' log lines into the task log: at the end, while it runs, or not at all
    log_lines         at most so many lines a step, the last ones
    stubs         declared results of steps that are not executed, see ``execution.stubs.run``
    answers           {x-approval step: {"decision", "user", "at", "comment"}}, given instead of being waited for
    pins              what a reproduction reads instead of what its requests name
    """

    poll_interval_s: float = 30.0
    logs: LogMode = "end"
    log_lines: int = 1000
    stubs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pins: Pins = NO_PINS


def _nobody(_name: str, _answer: Mapping[str, Any]) -> None:
    """Nobody wants to know how a job ended."""


async def _unrecorded(run: StepRun, work: Callable[[StepRun], Awaitable[StepResult]]) -> dict[str, Any]:
    """The result of a ForEach step's child that nobody is told of."""
    return (await work(run)).as_json()


@dataclass(frozen=True, slots=True)
class StepRun:
    """One attempt at one step, with everything it needs.

    spec      the step's slice of the definition, expressions as written
    tell      takes a line for the task log
    publish   takes facts for people while the step runs: "name", "arn", "console", "logs", "output", "request" (JSON)
    hide      takes secrets of the request, not to be shown in the task log
    journal   what the step remembers between its attempts
    notes     results of a ForEach step's children, by child name
    mailbox   where answers to a Callback step arrive
    live      children of a ForEach step that run now
    seen      what jobs of this attempt were like when they had ended, by name: to be asked for no second time
    job_ended   told of each job's name and end, before its log is read
    loop      the ForEach step that this is a child of
    goes_on   whether that step goes on after a mishap: a job that failed meanwhile is its child's, which has no journal
    run_child   runs a child of a ForEach step, and records it where the step is recorded
    """

    spec: StepSpec
    step_type: str
    identity: StepIdentity
    scope: Scope
    aws: Aws
    tell: Callable[[str], None]
    publish: Callable[[Mapping[str, str]], Awaitable[None]] = _nowhere
    hide: Callable[[Sequence[str]], Awaitable[None]] = _unhidden
    journal: Journal = field(default_factory=MemoryJournal)
    notes: Notes = field(default_factory=MemoryNotes)
    mailbox: Mailbox = field(default_factory=MemoryMailbox)
    options: ExecutionOptions = field(default_factory=ExecutionOptions)
    live: dict[str, StepRun] = field(default_factory=dict)
    seen: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    job_ended: Callable[[str, Mapping[str, Any]], None] = _nobody
    loop: str = ""
    goes_on: bool = False
    run_child: Callable[[StepRun, Callable[[StepRun], Awaitable[StepResult]]], Awaitable[dict[str, Any]]] = _unrecorded

    @property
    def entry(self) -> StepType:
        """The row of the step table."""
        return entry_of(self.step_type) or AIRFLOW_OPERATOR

    def pruned(self, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        """``properties`` without what no other step references."""
        return properties if self.spec.outputs == "all" else select(properties, list(self.spec.outputs))


@dataclass(frozen=True, slots=True)
class Submitted:
    """A resource that exists and is being waited for.

    adopted   whether an earlier attempt had made it
    facts     what waiting for it takes beside, as plain JSON: the process that waits may be another one
    """

    name: str
    arn: str
    ordinal: int
    since: str
    adopted: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    def entry(self, identity: StepIdentity) -> Entry:
        """The journal entry of the attempt ``identity`` while it waits for this."""
        return Entry.of(identity, self.name, self.ordinal, is_running=True, arn=self.arn)


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended; :meth:`as_json` is what its task pushes.

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
        """The result that :meth:`as_json` made ``value`` of; also a reused one, whose ``Reused`` is among its facts."""
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
    """The time as results carry it, ISO 8601 UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
