"""Jobs: created with a derived name, awaited until a terminal status, then collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..aws.calls import as_json, call
from ..describe import address_of
from ..exceptions import JobFailed, StepFailed
from ..failure_report import report
from ..job_state import JobState
from ..request import Change, unchanged
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import STOPPED
from ..submit import submit as submit_named
from ..watch.console_links import facts_about
from ..watch.logs import LogTail
from ..watch.poller import JobDisappeared, poller_for
from .base import RequestFrom, WaitingRunner

if TYPE_CHECKING:
    from ...json_types import AwsShape


class JobRunner(WaitingRunner):
    """Creates a job with a derived name."""

    request_from: ClassVar[RequestFrom] = "call"
    is_job = True
    is_named = True
    is_described = True
    ends_soon = True

    async def submit(self, run: StepRun) -> Submitted:
        """The job of this attempt, running."""
        return await submit_job(run)

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for ``job``; its result, or :class:`JobFailed` with the service's reason."""
        answer = await ended_well(run, job, address_of(run, job.name))
        return result_of(run, job.name, answer, started=job.since)


async def submit_job(run: StepRun, change: Change = unchanged) -> Submitted:
    """The job of this attempt, running.  ``change`` makes the final change to its request."""
    job = await submit_named(run, change)
    created = "" if job.adopted else job.name
    await run.publish({**facts_about(run, job.name, job.handle), "created": created})
    return job


async def ended_well(run: StepRun, job: Submitted, address: AwsShape) -> dict[str, Any]:
    """Wait for ``job`` and return its properties.  Raises :class:`JobFailed` unless it succeeded."""
    poller = poller_for(run.aws, run.entry, run.options.poll_interval_s)

    def log_status(status: str) -> None:
        if status not in run.entry.terminal:
            run.log(f"{job.name}: {status}")

    async with LogTail(run, job.name) as log:
        try:
            answer = await poller.wait(job.name, address, log_status)
        except JobDisappeared as error:
            raise StepFailed(f'Step "{run.identity.step}": {error}; somebody may have deleted it.') from None
        run.finished_jobs[job.name] = answer
        run.job_ended(job.name, answer)
    status = run.entry.status_of(answer)
    run.log(f"{job.name}: {status}")  # after the job's own last lines
    good = status in run.entry.succeeded
    identity = run.identity
    if not good:  # for a success, the job's own status is enough
        await run.journal.write(job.entry(identity).advance(JobState.FAILED))
    await run.publish(facts_about(run, job.name, job.handle, answer))
    if not good:
        word = "Stopped" if status in STOPPED else "Failed"
        left = result_of(run, job.name, answer, started=job.since, status=word).as_json()
        reason = run.entry.reason_of(answer)
        failed_job = JobFailed(identity.step, job.name, status, reason, left)
        failed_job.details = report(str(failed_job), reason, answer, await log.last_lines(), log.place)
        raise failed_job
    return await _with_extra(run, answer)


async def _with_extra(run: StepRun, answer: AwsShape) -> dict[str, Any]:
    entry, outputs = run.entry, run.spec.outputs
    if not entry.extra or not (outputs == "all" or any(path.startswith(entry.extra_member) for path in outputs)):
        return dict(answer)
    more = as_json(await call(run.aws, entry.service, entry.extra, **entry.extra_request(answer)))
    return {**answer, entry.extra_member: more.get(entry.extra_member) or []}


def result_of(run: StepRun, name: str, answer: AwsShape, *, started: str, status: str = "Succeeded") -> StepResult:
    """The result of a resource, from its properties, pruned to those that other steps reference."""
    metrics = {m["MetricName"]: m["Value"] for m in answer.get("FinalMetricDataList") or []}
    return StepResult(
        step=run.identity.step,
        type=run.step_type,
        name=name,
        arn=answer.get(run.entry.arn_key),
        properties=run.pruned(answer),
        started=started,
        ended=now(),
        status=status,
        facts={"Metrics": metrics} if metrics else {},
    )
