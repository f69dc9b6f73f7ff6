"""Stops the jobs that a run, or one of its steps, left running; for workers and triggerers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...definition.step_types import WAITING
from ...execution.aws.clients import Aws
from ...execution.engine import runner_of, stop
from ...execution.identity import StepIdentity, execution_id, is_start, run_name, tag_value
from ...execution.journal import Entry
from ...execution.scope import Scope
from ...execution.scope_values import s3_reader
from ...execution.step_run import StepRun
from ...execution.stop_leftovers import IsOwn, OwnerUnknown, stop_leftovers, stoppable
from ...hooks.connection import AwsConnection
from ...steps.catalogue import STEP_TYPES
from ..mapped_step import mapped_step
from ..retry_budget import is_airflow_away
from ..start_in_triggerer import StartInTriggerer
from ..step_task import StepTask
from ..task_states import instance_of, map_index_of

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

Open = Callable[[AwsConnection], Awaitable[Aws]]
ReadJournal = Callable[[str], Awaitable[Entry | None]]


async def stop_left_running(
    ti: RuntimeTaskInstanceProtocol,
    tasks: Mapping[str, StepTask],
    *,
    started: str,
    killed: Sequence[str],
    cut_off: bool,
    open_aws: Open,
    read_journal: ReadJournal,
    log: Callable[[str], None],
    digests: Container[str] | None = None,
) -> list[str]:
    """Stop the jobs that ``tasks`` left running in the run of ``ti``; returns their names.  Never raises AWS's errors.

    tasks     {task id: its step} of those with jobs
    started   when the run started, as in its jobs' tags
    killed    steps that were ended from outside, by the keys of Airflow's ``get_task_states``
    cut_off   whether any was, so that a job may appear only now
    read_journal   reads the journal of a step by its task id, or of a mapped instance by its ``get_task_states`` key
    digests   of the task instances whose jobs to stop; default: those of all ``tasks``
    """
    is_own = _is_own(tasks, started, digests, partial(_in_a_journal, {*tasks, *killed}, read_journal))
    stopped: list[str] = []
    for connection, step_types in _by_connection(tasks.values()).items():
        try:
            aws = await open_aws(connection)
        except Exception as error:
            if is_airflow_away(error):
                raise  # the next attempt can look the connection up
            log(f"jobs of this run may be left running: {error}")
            continue
        run = execution_id(ti.dag_id, _run_name(ti, tasks), next((task.group for task in tasks.values()), ""))
        stopped += await stop_leftovers(aws, step_types, run, log, is_own=is_own, cut_off=cut_off)
        for name in killed:
            task = tasks.get(name) or tasks.get(instance_of(ti, name)[0])
            if task is None or task.connection != connection or stoppable([task.type]):
                continue
            entry = await read_journal(name)
            if entry is not None and entry.state.may_still_run and (entry.handle or _has_name(task)):
                stopped += await _stop_by_handle(_step_run(ti, name, task, aws, log), entry)
    return stopped


def _has_name(task: StepTask) -> bool:
    """Whether its job can be stopped if only its name is known."""
    return runner_of(STEP_TYPES[task.type]).makes_named_jobs


def waiting_steps(ti: RuntimeTaskInstanceProtocol, task_ids: Iterable[str]) -> dict[str, StepTask]:
    """{task id: its step} of those of ``task_ids`` with jobs, in the DAG of ``ti``."""
    operators = ti.task.dag.task_dict
    return {name: task for name in task_ids if (task := _step_task(operators[name])) is not None}


async def _stop_by_handle(run: StepRun, entry: Entry) -> list[str]:
    """Stop what cannot be found by name: EMR, Bedrock and similar services."""
    try:
        return [entry.name] if await stop(run, entry.name, entry.handle) else []
    except Exception as error:
        run.log(f"{entry.name} may be left running: {error}")
        return []


def _step_run(
    ti: RuntimeTaskInstanceProtocol, task_id: str, task: StepTask, aws: Aws, log: Callable[[str], None]
) -> StepRun:
    identity = StepIdentity(
        task.pipeline or ti.dag_id,
        task.step or task_id,
        ti.dag_id,
        ti.run_id,
        task_id,
        instance=_instance(ti, task),
        group=task.group,
    )
    return StepRun(task.spec, task.type, identity, Scope(identity.step, {}, {}, {}, {}, s3_reader(aws)), aws, log)


def _run_name(ti: RuntimeTaskInstanceProtocol, tasks: Mapping[str, StepTask]) -> str:
    """The run of the pipeline of ``tasks``, or of steps without a definition, as in the names of jobs."""
    return run_name(ti.run_id, max((_instance(ti, task) for task in tasks.values()), default=-1))


def _instance(ti: RuntimeTaskInstanceProtocol, task: StepTask) -> int:
    return map_index_of(ti) if task.mapped else -1


def _is_own(
    tasks: Mapping[str, StepTask],
    started: str,
    digests: Container[str] | None,
    is_known: Callable[[str], Awaitable[bool]],
) -> IsOwn:
    ids = {tag_value(name) for name in tasks}
    loops = tuple(tag_value(f"{name}.") for name, task in tasks.items() if task.type == "ForEach")

    async def is_own(name: str, tags: Mapping[str, str]) -> bool:
        task_id = tags.get("airflow:task_id", "")
        in_a_loop = bool(loops) and task_id.startswith(loops)  # children are tagged <loop>.<child>
        if task_id not in ids and not in_a_loop:
            return False
        if digests is not None and not in_a_loop and tags.get("airflow:step") not in digests:
            return False
        # Another Airflow deployment may run the same DAG in this account with the same ids, but other start times.
        # A cleared run also has a new start time; jobs from before the clear are in a step's journal.
        tag = tags.get("airflow:run_started")
        return tag is None or is_start(tag, started) or await is_known(name)

    return is_own


async def _in_a_journal(task_ids: Iterable[str], read_journal: ReadJournal, name: str) -> bool:
    for task_id in task_ids:
        try:
            entry = await read_journal(task_id)
        except Exception as error:
            if is_airflow_away(error):
                raise OwnerUnknown(f"the journal of {task_id} cannot be read: {error}") from error
            raise
        if entry is not None and entry.name == name:
            return True
    return False


def _by_connection(tasks: Iterable[StepTask]) -> dict[AwsConnection, list[str]]:
    found: dict[AwsConnection, list[str]] = {}
    for task in tasks:
        found.setdefault(task.connection, []).extend(_types(task))
    return found


def _types(task: StepTask) -> Iterator[str]:
    yield task.type
    for step in task.spec.body.values():
        yield step.type


def _step_task(operator: object) -> StepTask | None:
    """The data of a step with a job; in a serialized DAG it is in the trigger's arguments."""
    if getattr(operator, "is_mapped", False):
        return mapped_step(operator)
    known = getattr(operator, "step", None)
    if isinstance(known, StepTask):
        return known if known.type in WAITING else None
    start = getattr(operator, "start_trigger_args", None)  # other packages' operators may have them, too
    if start is None or start.trigger_cls != StartInTriggerer.trigger_cls:
        return None
    arguments = start.trigger_kwargs.get("__var", start.trigger_kwargs)  # left encoded (Airflow 3.3.2)
    return StepTask.from_json(arguments["task"])
