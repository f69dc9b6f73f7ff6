"""The interface of runners, and how an entry's runner is found.

A runner knows how to run steps of one or more types; an entry of the step table names its module and class, so there
is no list of runners.  Everything that other modules need to know about a runner is a trait, an attribute of its class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Literal

from ...definition.values import parse_output
from ...steps.model import StepType
from ..exceptions import StepFailed
from ..step_run import StepResult, StepRun, Submitted
from ..submit import stop as stop_by_name

RequestFrom = Literal["", "call", "arguments", "settings"]


class Runner(ABC):
    """Runs steps.  A runner is stateless: one object serves every step of every run.

    request_from        source of a step's recorded request: its create call, its resolved arguments, those with the
                        settings, or nothing, because no request is sent
    is_job              it starts a job in AWS, which the record counts
    is_named            its resource has a name derived from run and step, by which it is found again
    needs_journal       without the journal, its resource cannot be found again
    is_described        the record calls Describe to learn how it ended
    adds_properties     a step's properties are more than the Describe response
    may_be_retried      a step's retry policies apply to it
    has_children        it runs child steps, which are stopped in its place
    may_have_stub       a stub can replace it
    has_default_stub    the stub for "*" replaces it
    """

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
        """Its jobs can be described and stopped by a derived name, without the response of a call."""
        return self.is_job and self.is_named

    @abstractmethod
    async def run(self, run: StepRun) -> StepResult:
        """Run the step to its end.  Raises :class:`StepFailed` if it fails."""

    def why_it_fails(self, run: StepRun, properties: Mapping[str, object]) -> str:
        """Why a step with these properties of a stub fails, as it would with a job's; "" if it succeeds.  Blocking."""
        return ""


class WaitingRunner(Runner):
    """Starts something that takes long, waits for it and can stop it, each possibly in another process.

    ends_soon   it ends within minutes of a stop, so that its end can be awaited and recorded
    """

    ends_soon: ClassVar[bool] = False
    has_default_stub = True

    @abstractmethod
    async def submit(self, run: StepRun) -> Submitted:
        """Start it, or find what this attempt has already started: safe to repeat after any interruption."""

    @abstractmethod
    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for what :meth:`submit` started, here or in another process.

        That process may be a trigger, which has no results of other steps: read ``job.facts`` instead of resolving
        expressions.
        """

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Stop it; ``False`` if there is nothing to stop."""
        return await stop_by_name(run, name, handle)

    async def run(self, run: StepRun) -> StepResult:
        """Start it and wait for it."""
        return await self.follow(run, await self.submit(run))


def typed_outputs(run: StepRun, values: Mapping[str, object]) -> dict[str, Any]:
    """The step's declared outputs among ``values``, converted to their types.  A null counts as missing.

    A missing output is an error only if a step reads it.  Of two declarations of one name, the last counts.  Raises
    :class:`StepFailed` for a value that does not fit.
    """
    outputs = {}
    for name, kind in {declared.name: declared.type for declared in run.spec.output_parameters}.items():
        value = values.get(name)
        if value is not None:
            try:
                outputs[name] = parse_output(value, kind, name)
            except ValueError as error:
                raise StepFailed(f'Step "{run.identity.step}": {error}') from None
    return outputs


# {module and class: the object that serves every step}; loaded when a step needs it.
_RUNNERS: dict[str, Runner] = {}


def provide(runner: Runner) -> None:
    """Use ``runner`` where an entry names its class, which cannot be created without arguments."""
    _RUNNERS[f"{type(runner).__module__}.{type(runner).__name__}"] = runner


def runner_of(entry: StepType) -> Runner:
    """The runner of a step type.  Raises ``LookupError`` if there is none of that name."""
    place, _, name = entry.runner.rpartition(".")
    path = f"{__package__}{entry.runner}" if entry.runner.startswith(".") else entry.runner
    if path not in _RUNNERS:
        try:
            _RUNNERS[path] = getattr(import_module(place, __package__), name)()
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            what = f'The step type {entry.name} names the runner "{entry.runner}", which cannot be loaded: {error}'
            raise LookupError(what) from error
    return _RUNNERS[path]
