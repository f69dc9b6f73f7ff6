"""What a runner is, and the registry of all of them.

A runner knows how steps are run, whatever their type; an entry of the step table names one.  What other modules have to
know about a runner are its traits, which stand on its class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from ...steps.model import StepType
from ..step_run import StepResult, StepRun, Submitted
from ..submit import stop as stop_by_name

RequestFrom = Literal["", "call", "arguments", "settings"]


class Runner(ABC):
    """Runs steps.  A runner keeps no state: one object serves every step of every run.

    name                what entries of the step table call it
    request_from        what the recorded request of a step is: its create call, its resolved arguments, those with the
                        settings beside them, or nothing, as AWS is asked for nothing
    is_job              AWS does work for it, which the record counts
    is_named            what it makes has a name derived from run and step, by which it is found again
    needs_journal       without the journal nobody can find again what it made
    is_described        the record asks Describe what its end was like
    adds_properties     a step's properties are more than what Describe answers
    may_be_retried      a step's retry policies apply to it
    has_children        it runs steps of its own, which are stopped instead of it
    may_have_stub       a declared result may stand for it
    has_default_stub    the result declared for "*" stands for it
    """

    name: ClassVar[str]
    request_from: ClassVar[RequestFrom] = ""
    is_job: ClassVar[bool] = False
    is_named: ClassVar[bool] = False
    needs_journal: ClassVar[bool] = False
    is_described: ClassVar[bool] = False
    adds_properties: ClassVar[bool] = False
    may_be_retried: ClassVar[bool] = True
    has_children: ClassVar[bool] = False
    may_have_stub: ClassVar[bool] = True
    has_default_stub: ClassVar[bool] = False

    @property
    def makes_named_jobs(self) -> bool:
        """Its jobs can be described and stopped by a name of ours, without what a call answered."""
        return self.is_job and self.is_named

    @abstractmethod
    async def run(self, run: StepRun) -> StepResult:
        """Run the step to its end.  Raises :class:`StepFailed` when it ends badly."""


class WaitingRunner(Runner):
    """Starts something that takes long, waits for it and can stop it: each in another process if need be.

    ends_soon   what was stopped ends within minutes, so that its end can be waited for and recorded
    """

    ends_soon: ClassVar[bool] = False
    has_default_stub = True

    @abstractmethod
    async def submit(self, run: StepRun) -> Submitted:
        """Start it, or find what an earlier try of this attempt started: safe to be called again after any mishap."""

    @abstractmethod
    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for what :meth:`submit` started, here or in another process."""

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Stop it; ``False`` when there is nothing to stop."""
        return await stop_by_name(run, name, handle)

    async def run(self, run: StepRun) -> StepResult:
        """Start it and wait for it."""
        return await self.follow(run, await self.submit(run))


RUNNERS: dict[str, Runner] = {}


def register(runner: Runner) -> None:
    """Let entries of the step table name ``runner``.  Raises ``ValueError`` for a name that is taken."""
    if runner.name in RUNNERS:
        raise ValueError(f'There is a runner "{runner.name}" already.')
    RUNNERS[runner.name] = runner


def runner_of(entry: StepType) -> Runner:
    """The runner of a step type.  Raises ``LookupError`` for one that nobody registered."""
    try:
        return RUNNERS[entry.runner]
    except KeyError:
        raise LookupError(
            f'The step type {entry.name} names the runner "{entry.runner}", which there is not.'
        ) from None
