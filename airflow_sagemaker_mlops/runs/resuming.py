"""Resuming a run whose process was killed: continues it, or starts a new run from its results."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from ..execution.aws.clients import Aws
from ..execution.identity import execution_id, is_start
from ..execution.local_executor import Finished
from ..execution.secret_masking import MASK
from ..execution.stop_leftovers import stop_leftovers
from ..plan.model import Plan
from ..records.model.step_record import StepRecord
from ..records.reuse.unfinished_runs import Start, Unfinished, unfinished
from ..records.store.protocol import Store
from .errors import Argument, RunError


@dataclass(frozen=True, slots=True)
class Continued:
    """The state left by an earlier process of the same run.

    step_records   of its finished steps, for the record
    inherited   its parameter values
    """

    run_id: str
    started: str
    finished: Mapping[str, Finished] = field(default_factory=dict)
    retried: frozenset[str] = frozenset()
    step_records: tuple[StepRecord, ...] = ()
    inherited: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """A message about what happens."""
        done = f"finished before: {', '.join(self.finished)}" if self.finished else "no step had finished"
        return f"continues {self.run_id}, whose process ended without a record; {done}"


def left_by(store: Store, pipeline: str, name: str) -> Unfinished | None:
    """The run called ``name`` if it has no record.  Raises :class:`RunError` if its process is still running."""
    found = unfinished(store, pipeline, name)
    if found is None:
        return None
    process, run_id = found.start.process, found.start.run_id
    if process.get("host") != socket.gethostname():
        if name != run_id:
            raise RunError(
                'run {run_id} has no record. It was started on machine "{host}" and may still be running there. '
                "If it is not, write {resume} to go on with it.",
                run_id=run_id,
                host=process.get("host"),
                resume=Argument("resume", run_id),
            )
    elif _is_running(process):
        raise RunError(
            "run {run_id} is still on, in process {pid} of this machine. Wait for its end, or stop it with: kill {pid}",
            run_id=run_id,
            pid=process["pid"],
        )
    return found


def continued(found: Unfinished, plan: Plan, given: Mapping[str, object]) -> Continued | None:
    """How to continue the same run; ``None`` if definition or parameters have changed since its start."""
    start = found.start
    changed = any(start.parameters.get(name) not in (value, MASK) for name, value in given.items())
    if start.definition_hash != plan.definition_hash or changed:
        return None
    own = {name: step for name, step in found.steps.items() if name in plan.by_id}
    finished = {
        name: Finished(step.result, step.started, step.ended, step.jobs_started)
        for name, step in own.items()
        if step.status == "Succeeded" and step.result is not None and not _has_secret(step.result)
    }
    kept = [step for step in found.steps.values() if step.step in finished or step.loop in finished]
    retried = frozenset(name for name, step in own.items() if step.status in ("Failed", "Stopped"))
    return Continued(start.run_id, start.started, finished, retried, tuple(kept), start.parameters)


def stop_jobs_of(found: Unfinished, plan: Plan, pipeline: str, aws: Aws, log: Callable[[str], None]) -> None:
    """Stop the jobs that the run has left running, because another run takes its place; ``log`` is called for each."""
    start = found.start

    async def is_own(_name: str, tags: Mapping[str, str]) -> bool:
        return is_start(tags.get("airflow:run_started", ""), start.started)

    types = {task.step_type for task in plan.tasks}
    run_id = execution_id(pipeline, start.run_id)
    asyncio.run(stop_leftovers(aws, types, run_id, log, is_own=is_own, cut_off=False))


def start_of(plan: Plan, run_id: str, started: str, values: Mapping[str, object]) -> Start:
    """The note about a run that starts in this process."""
    own = psutil.Process(os.getpid())
    process = {"host": socket.gethostname(), "pid": own.pid, "started": own.create_time()}
    return Start(run_id, started, plan.definition_hash, dict(values), process)


def _is_running(process: Mapping[str, Any]) -> bool:
    try:
        there = psutil.Process(int(process["pid"]))
        same = abs(float(there.create_time()) - float(process["started"])) < 1.0
        return same and str(there.status()) != "zombie"
    except (psutil.Error, KeyError, ValueError, TypeError):
        return False


def _has_secret(result: object) -> bool:
    match result:
        case Mapping():
            return any(_has_secret(value) for value in result.values())
        case list() | tuple():
            return any(_has_secret(value) for value in result)
        case _:
            return MASK in str(result)
