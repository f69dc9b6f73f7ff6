"""Fail: ends the pipeline with the document's message."""

from __future__ import annotations

from ...definition.values import as_text
from ..exceptions import PipelineFailStep
from ..request import resolved_arguments
from ..step_run import StepResult, StepRun
from .base import Runner


class FailRunner(Runner):
    """Ends the pipeline."""

    async def run(self, run: StepRun) -> StepResult:
        """Raise :class:`PipelineFailStep` with the resolved ``ErrorMessage``."""
        message = (await resolved_arguments(run)).get("ErrorMessage")
        text = "" if message is None else as_text(message)
        raise PipelineFailStep(text or f'Step "{run.identity.step}" ends the pipeline as failed.')
