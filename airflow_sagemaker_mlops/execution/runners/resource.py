"""Model and EndpointConfig: created by one call and available at once."""

from __future__ import annotations

from ..job_state import JobState
from ..step_run import StepResult, StepRun
from ..submit import once_visible, submit
from ..watch.console_links import facts_about
from .base import Runner
from .job import result_of


class ResourceRunner(Runner):
    """Creates a resource that is available at once."""

    request_from = "call"
    is_named = True

    async def run(self, run: StepRun) -> StepResult:
        """Create the resource, or find the one that this attempt has already created."""
        made = await submit(run)
        answer = await once_visible(run, made.name)
        await run.journal.write(made.entry(run.identity).advance(JobState.SUCCEEDED))
        await run.publish(facts_about(run, made.name, made.handle, answer))
        return result_of(run, made.name, answer, started=made.since)
