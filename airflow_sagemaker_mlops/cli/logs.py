"""``sagemaker-mlops logs``: the log of a step's job, from CloudWatch or the embedded AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..definition.problems import did_you_mean
from ..execution.identity import execution_id, plain
from ..records.model.errors import NoSuchRecord
from ..records.model.step_record import StepRecord
from ..records.reuse.unfinished_runs import unfinished
from ..records.store.protocol import Store
from ..records.store.reader import read_record, run_named, steps_of
from ..runs.records_location import RecordsLocation
from ..steps.catalogue import STEP_TYPES
from ..steps.model import StepType
from .output.terminal import say
from .records import dag_and_run, printing_errors

if TYPE_CHECKING:
    from ..json_types import AwsShape

LOOK_EVERY_S = 2.0


class LogsClient(Protocol):
    """The part of boto3's CloudWatch Logs client that this module calls; members as in the API reference.

    exceptions   boto3's error classes by name
    """

    exceptions: Any

    def describe_log_streams(self, **members: object) -> AwsShape:
        """A page of the streams of a group."""

    def get_log_events(self, **members: object) -> AwsShape:
        """A page of a stream's events."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A job whose log to read: the ``prefix`` of its stream names, and its ``name`` if it is known."""

    entry: StepType
    prefix: str
    name: str = ""


def show_logs(place: RecordsLocation, dag: str | None, run: str, step: str, *, follow: bool) -> int:
    """Print the log of the step's last job; exit code."""
    return _show(place, dag, run, step, client=place.client, follow=follow)


def lines_of_step(step: StepRecord, client: Callable[[str], Any]) -> Iterator[str]:
    """The log lines of a step's last job so far.  Raises :class:`NoSuchRecord` if it has no job, and AWS's errors."""
    yield from _lines(client("logs"), _job_of(step), {})


@printing_errors
def _show(store: Store, dag: str | None, run: str, step: str, *, client: Callable[[str], Any], follow: bool) -> int:
    jobs = _jobs_of(store, *dag_and_run(store, dag, run), step)
    tokens: dict[str, str] = {}
    while True:
        ended = not follow or all(_has_ended(client, job) for job in jobs)
        for job in jobs:
            for line in _lines(client("logs"), job, tokens):
                say(line)
        if ended:
            break
        time.sleep(LOOK_EVERY_S)
    if not tokens:
        say(f'step "{step}" has logged nothing yet.', err=True)
    return 0


def _jobs_of(store: Store, dag_id: str, name: str, step: str) -> list[_Job]:
    """The job to read; for a step that has not ended, a candidate for each kind of job that it may have started."""
    left = unfinished(store, dag_id, name)
    if left is not None:
        run_id, steps = left.start.run_id, dict(left.steps)
    else:
        run_id = run_named(store, dag_id, name)
        steps = steps_of(store, read_record(store, dag_id, run_id))
    found = steps.get(step)
    if found is None and left is None:
        raise NoSuchRecord(f'run "{run_id}" has no step "{step}". {did_you_mean(step, steps)}'.strip())
    if found is not None:
        return [_job_of(found)]
    prefix = f"pipelines-{execution_id(dag_id, run_id)}-{plain(step)[:20].rstrip('-')}-"
    groups = {entry.log_group: entry for entry in STEP_TYPES.values() if entry.log_group and not entry.update}
    return [_Job(entry, prefix) for entry in groups.values()]


def _job_of(step: StepRecord) -> _Job:
    entry = STEP_TYPES.get(step.type)
    if entry is None or not entry.log_group:
        raise NoSuchRecord(f'"{step.step}" is a {step.type} step, which runs no job, so there is no log.')
    name = step.attempts[-1].name if step.attempts else ""
    if not name:
        source = step.cache.source_run if step.cache is not None else ""
        where = f' Its result was taken from run "{source}": use that run.' if source else ""
        raise NoSuchRecord(f'step "{step.step}" started no job in this run.{where}')
    return _Job(entry, f"{name}/", name)


def _has_ended(client: Callable[[str], Any], job: _Job) -> bool:
    if not job.name:
        return False  # the step is still running; Ctrl-C stops following
    from botocore import xform_name

    describe = getattr(client(job.entry.service), xform_name(job.entry.describe))
    answer = describe(**{job.entry.describe_key or job.entry.name_key: job.name})
    return job.entry.status_of(answer) in job.entry.terminal


def _lines(logs: LogsClient, job: _Job, tokens: dict[str, str]) -> Iterator[str]:
    """The lines added since the last call."""
    members = {"logGroupName": job.entry.log_group, "logStreamNamePrefix": job.prefix}
    try:
        streams = logs.describe_log_streams(**members).get("logStreams", [])
    except logs.exceptions.ResourceNotFoundException:
        return
    for stream in streams:
        name = stream["logStreamName"]
        mark = f"[{name.rpartition('/')[2]}] " if len(streams) > 1 else ""
        yield from (f"{mark}{event['message'].rstrip()}" for event in _events(logs, job, name, tokens))


def _events(logs: LogsClient, job: _Job, stream: str, tokens: dict[str, str]) -> Iterator[Mapping[str, Any]]:
    while True:
        members = {"logGroupName": job.entry.log_group, "logStreamName": stream, "startFromHead": True}
        if stream in tokens:
            members["nextToken"] = tokens[stream]
        answer = logs.get_log_events(**members)
        yield from answer.get("events", [])
        token = answer.get("nextForwardToken", "")
        # CloudWatch returns the same token again when there are no more events for now.
        if token == tokens.get(stream) or not answer.get("events"):
            tokens[stream] = token
            return
        tokens[stream] = token
