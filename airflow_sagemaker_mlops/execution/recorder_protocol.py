"""Runs a step and notifies a recorder before and after; ``records.capture`` implements one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .engine import run_step
from .exceptions import StepFailed
from .step_run import StepResult, StepRun

if TYPE_CHECKING:
    from ..json_types import AwsShape, JsonObject


class Started(Protocol):
    """What a recorder knows of a step that is about to run.

    result   that of an earlier run if the step need not run, otherwise ``None``
    """

    @property
    def result(self) -> Mapping[str, Any] | None:
        """See the class."""


_Begun = TypeVar("_Begun", bound=Started)


class StepRecorder(Protocol[_Begun]):
    """Is notified of every step; a recording error does not change how the step ends."""

    async def begin(self, run: StepRun) -> _Begun:
        """The step is about to run."""

    def submitted(self, start: _Begun) -> None:
        """A job of the step was created and is awaited."""

    def job_ended(self, name: str, answer: AwsShape) -> None:
        """The job ``name`` has ended with the Describe response ``answer``; the step itself is still finishing."""

    async def end(
        self,
        run: StepRun,
        start: _Begun,
        *,
        status: str,
        result: JsonObject | None,
        jobs_started: int = 0,
        failure_reason: str = "",
    ) -> Any:
        """The step ended; ``start`` is the return value of :meth:`begin`."""

    async def settled(self) -> None:
        """Return when everything is written.  Await this at the end of a run, also if it was interrupted."""


Work = Callable[[StepRun], Awaitable[StepResult]]


async def run_recorded(
    run: StepRun, recorder: StepRecorder[_Begun] | None, work: Work = run_step, start: _Begun | None = None
) -> dict[str, Any]:
    """The result of the whole step, run here or taken from an earlier run.  Raises the errors of ``run_step``.

    work    runs the rest of the step, if it has already started
    start   return value of ``begin`` in the process that started the step
    """
    if recorder is None:
        return (await work(run)).as_json()
    run = replace(run, scope=replace(run.scope, read_s3=cache(run.scope.read_s3)))  # both resolve the same expressions
    started: list[str] = []

    async def publish(facts: Mapping[str, str], forward: Callable[[Mapping[str, str]], Awaitable[None]]) -> None:
        name = facts.get("created")
        started.extend([name] if name else ())
        await forward(facts)
        if name:
            recorder.submitted(begun)

    async def child(run: StepRun, work: Work) -> dict[str, Any]:
        return await run_recorded(run, recorder, work)

    run = replace(run, publish=partial(publish, forward=run.publish), run_child=child, job_ended=recorder.job_ended)
    begun = start or await recorder.begin(run)
    try:
        result = dict(begun.result) if begun.result is not None else (await work(run)).as_json()
    except Exception as error:
        left = error.result if isinstance(error, StepFailed) else {}
        status = "Stopped" if isinstance(error, StepFailed) and error.stopped else "Failed"
        reason = str(error) if isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"
        await recorder.end(
            run, begun, status=status, result=left or None, jobs_started=len(started), failure_reason=reason
        )
        raise
    await recorder.end(run, begun, status="Succeeded", result=result, jobs_started=len(started))
    return result
