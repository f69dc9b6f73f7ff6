"""What a step does about its job when its task fails for good: no later attempt comes and finds that again.

In a pipeline the verdict would stop it at the end of the run; a step by hand has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..airflow_versions import AirflowFailException, AirflowSkipException, DownstreamTasksSkipped
from ..document.step_types import WAITING
from .ends import own_state_key
from .task import StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ..execution.journal import Entry


@contextmanager
def nothing_left_running(
    step: StepTask, context: Context, tell: Callable[[str], None], *, fails_once: bool
) -> Iterator[None]:
    """Stop what the step has left running when its task ends here as failed, and is not to be retried.

    fails_once   whether a failure that an earlier attempt has kept is the step's end
    """
    try:
        yield
    except (AirflowSkipException, DownstreamTasksSkipped):
        raise
    except Exception as error:
        ti: Any = context["ti"]
        if step.type in WAITING and (isinstance(error, AirflowFailException) or ti.try_number > ti.max_tries):
            _stop_left(step, context, tell, fails_once=fails_once)
        raise


def _stop_left(step: StepTask, context: Context, tell: Callable[[str], None], *, fails_once: bool) -> None:
    from .run_context import identity_of
    from .worker_memory import KeptEnd, TaskStateJournal
    from .worker_sweep import sweep_here

    ti: Any = context["ti"]
    kept = KeptEnd(context).read()
    if kept.get("result") is not None or (fails_once and kept.get("failure")):
        return  # its job has ended
    entry = asyncio.run(TaskStateJournal(context).read())
    # Without a journal, Airflow before 3.3 has deleted it with the XComs of the attempt before.
    if (ti.try_number <= 1) if entry is None else (entry.state not in ("intent", "submitted", "mishap")):
        return

    async def recall(_name: str) -> Entry | None:
        return entry

    identity = identity_of(step, ti, context["dag_run"], generation="")
    sweep_here(
        ti,
        {ti.task_id: step},
        started=identity.run_started,
        killed=[own_state_key(ti)],
        cut_off=entry is None or entry.state != "submitted",
        tell=tell,
        recall=recall,
        digest=identity.step_digest,
    )
