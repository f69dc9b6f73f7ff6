"""Stops the job of a deferred task that exceeded its ``execution_timeout``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ...execution.engine import is_stopping, stop, stop_when_visible
from ...execution.job_state import JobState
from ...execution.journal import entry_from_json
from ...execution.step_run import StepRun
from ...xcom_keys import JOURNAL_KEY
from ..task_states import own_xcom

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


async def stop_overdue(run: StepRun, ti: RuntimeTaskInstanceProtocol) -> str:
    """Stop the job of this attempt, wherever it was started; returns its name, empty if nothing is running."""
    entry = entry_from_json(own_xcom(ti, JOURNAL_KEY))
    if entry is None or not (entry.state.is_under_way or entry.state.stop_was_requested):
        return ""
    try:
        if entry.state.stop_was_requested:  # the trigger has stopped it, or was about to when it died
            await stop(run, entry.name, entry.handle)
            return entry.name
        with suppress(Exception):  # stop the job in any case
            await run.journal.write(entry.advance(JobState.STOP_REQUESTED))
        stopped = await is_stopping(run, entry.name) or await stop_when_visible(run, entry.name, entry.handle)
    except Exception as error:  # the stop at the end of the run tries again
        run.log(f"{entry.name} may be left running: it could not be stopped: {error}")
        return ""
    return entry.name if stopped else ""
