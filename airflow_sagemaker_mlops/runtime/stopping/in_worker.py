"""``jobs.stop_left_running`` for a task in a worker, with its clients and the journals in XComs.  Blocking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...execution.aws.clients import Aws
from ...execution.journal import Entry, entry_from_json
from ...hooks.aws import aws_for
from ...hooks.connection import AwsConnection
from ...xcom_keys import JOURNAL_KEY
from ..step_task import StepTask
from ..task_states import instance_of, xcom_of
from .jobs import ReadJournal, stop_left_running

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


def stop_jobs_here(
    ti: RuntimeTaskInstanceProtocol,
    tasks: Mapping[str, StepTask],
    *,
    started: str,
    killed: Sequence[str],
    cut_off: bool,
    log: Callable[[str], None],
    read_journal: ReadJournal | None = None,
    digests: Container[str] | None = None,
) -> list[str]:
    """As :func:`stop_left_running`; ``read_journal`` if the journals are not in XComs."""
    work = stop_left_running(
        ti,
        tasks,
        started=started,
        killed=killed,
        cut_off=cut_off,
        open_aws=_open_aws,
        read_journal=read_journal or partial(_read_journal, ti),
        log=log,
        digests=digests,
    )
    return asyncio.run(work)


async def _open_aws(connection: AwsConnection) -> Aws:
    return aws_for(connection)


async def _read_journal(ti: RuntimeTaskInstanceProtocol, name: str) -> Entry | None:
    task_id, map_index = instance_of(ti, name)
    return entry_from_json(xcom_of(ti, task_id, JOURNAL_KEY, map_index))
