"""Recorded answers: results of steps that a pinned reproduction does not execute again.

Lambda functions, people, the model registry and endpoints are outside the run, as its inputs are.  So their answers are
pinned too, and reproducing an old run does not deploy its model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...execution.exceptions import StepFailed
from ...execution.step_run import StepRun, now
from ...plan.model import Plan
from ...plan.selection import InvalidSelection, Selection
from ...steps.catalogue import entry_of
from ...steps.control import AIRFLOW_OPERATOR
from ..capture.step_start import StepStart
from ..model.errors import CannotBePinned
from ..model.step_record import StepRecord
from ..reuse.source_run import ReusingRecorder, SourceRun, check_reuse


def stands(step: StepRecord) -> bool:
    """Whether the recorded result is used: the step reads or changes something outside the run, or was reused."""
    reused = step.cache is not None and step.cache.result == "reused"
    return reused or (entry_of(step.type) or AIRFLOW_OPERATOR).outside


def done_again(steps: Mapping[str, StepRecord]) -> dict[str, StepRecord]:
    """The ``steps`` that a pinned reproduction executes."""
    return {name: step for name, step in steps.items() if not stands(step)}


def answers_for(plan: Plan, source: SourceRun) -> Selection:
    """The steps of ``plan`` that run again, those whose recorded results are used, and those that were not selected.

    Raises :class:`CannotBePinned` if a required result was not recorded.
    """
    names = [task.task_id for task in plan.tasks if task.is_step]
    not_selected = tuple(name for name in names if source.statuses.get(name) == "NotSelected")
    answered = tuple(name for name, step in source.steps.items() if stands(step) and step.status == "Succeeded")
    selected = tuple(name for name in names if name not in answered and name not in not_selected)
    selection = Selection(selected, answered, not_selected)
    try:
        check_reuse(plan, selection, source)
    except InvalidSelection as error:
        problems = " ".join(problem.what for problem in error.problems)
        raise CannotBePinned(f"the recorded answers are not enough: {problems}") from None
    return selection


@dataclass(frozen=True, slots=True)
class AnsweringRecorder(ReusingRecorder):
    """A recorder that returns recorded answers for steps outside the run, and fails such steps without an answer."""

    async def begin(self, run: StepRun) -> StepStart:
        """The recorded answer; otherwise the answer of ``recorder``."""
        name = run.identity.step
        if name in self.selection.reused:
            run.log(f'the answer of run "{self.source.run_id}": a reproduction does not ask again')
            return self.reused(name)
        if not run.entry.outside:
            return await self.recorder.begin(run)
        why = self._missing(name)
        await self.recorder.end(run, StepStart(now()), status="Failed", result=None, failure_reason=why)
        raise StepFailed(why)

    def _missing(self, name: str) -> str:
        was = self.source.steps.get(name)
        if was is not None and was.status == "Failed":
            return f'Step "{name}" failed in run "{self.source.run_id}" too: {was.failure_reason}'
        end = f"ended {was.status}" if was is not None else "was not recorded"
        what = f'Step "{name}" {end} in run "{self.source.run_id}", so there is no recorded answer'
        return f"{what}, and a pinned reproduction does not ask again."
