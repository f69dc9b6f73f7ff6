"""Stops a step's job when its task fails without a further retry, because no later attempt will find it.

In a pipeline the status task would stop it at the end of the run; a step without a definition has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...airflow_versions import (
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
)
from ...definition.step_types import WAITING
from ..step_task import StepTask
from ..task_states import own_state_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ...execution.journal import Entry


@contextmanager
def nothing_left_running(
    step: StepTask, context: Context, log: Callable[[str], None], *, fails_once: bool
) -> Iterator[None]:
    """Stop the job that the step has left running if its task fails here without a further retry.

    fails_once   whether a failure recorded by an earlier attempt is final
    """
    try:
        yield
    except (AirflowSkipException, DownstreamTasksSkipped):
        raise
    except Exception as error:
        ti = context["ti"]
        for_good = isinstance(error, AirflowFailException)
        if step.type in WAITING and (for_good or ti.try_number > ti.max_tries):
            try:
                _stop_left(step, context, log, fails_once=fails_once, may_appear=not for_good)
            except Exception as why:  # the step's own failure must not be lost
                log(f"a job of this step may be left running: {why}")
        raise


def _stop_left(
    step: StepTask, context: Context, log: Callable[[str], None], *, fails_once: bool, may_appear: bool
) -> None:
    """``may_appear``: whether a job may become visible only after this."""
    from ..context import identity_of
    from ..task_store.journal import TaskJournal
    from ..task_store.stored_end import StoredEnd
    from ..task_store.worker import WorkerTaskStore
    from .in_worker import stop_jobs_here

    ti = context["ti"]
    kept = StoredEnd(context).read()
    if kept.get("result") is not None or (fails_once and kept.get("failure")):
        return  # its job has ended
    entry = asyncio.run(TaskJournal(WorkerTaskStore(context)).read())
    # No journal: Airflow before 3.3 has deleted it with the XComs of the previous attempt.
    if (ti.try_number <= 1) if entry is None else not entry.state.may_still_run:
        return

    async def read_journal(_name: str) -> Entry | None:
        return entry

    identity = identity_of(step, ti, context["dag_run"], generation="")
    stop_jobs_here(
        ti,
        {ti.task_id: step},
        started=identity.run_started,
        # Unnamed executions were stopped when that was recorded; look for named jobs: their stop may have failed.
        killed=[] if entry is not None and entry.state.stop_was_requested else [own_state_key(ti)],
        cut_off=may_appear and (entry is None or entry.state.may_appear_late),
        log=log,
        read_journal=read_journal,
        digests=[identity.step_digest],
    )
