"""Jobs: create under a derived name, wait for a terminal status, collect."""

from __future__ import annotations

from typing import Any

from ...document.paths import select
from ..facts import facts_about
from ..failures import JobFailed, StepFailed
from ..journal import Entry
from ..logs import LogTail
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import submit as submit_named
from ..watch import JobDisappeared, sweep_for


async def submit(run: StepRun) -> Submitted:
    """The job of this attempt, running."""
    job = await submit_named(run)
    created = "" if job.adopted else job.name
    await run.publish({**facts_about(run, job.name, job.arn), "created": created})
    return job


async def follow(run: StepRun, job: Submitted) -> StepResult:
    """Wait for ``job``; its result, or :class:`JobFailed` with the service's reason."""
    tail = LogTail(run, job.name)
    sweep = sweep_for(run.aws, run.entry, run.options.poll_interval_s)
    async with tail:
        try:
            answer = await sweep.wait(job.name, lambda status: run.tell(f"{job.name}: {status}"))
        except JobDisappeared as error:
            raise StepFailed(f'Step "{run.identity.step}": {error}; somebody may have deleted it.') from None
    status = str(answer[run.entry.status_key])
    state = "done" if status in run.entry.succeeded else "failed"
    identity = run.identity
    await run.journal.write(
        Entry(job.name, job.ordinal, identity.try_number, identity.generation, state, job.arn)  # type: ignore[arg-type]
    )
    await run.publish(facts_about(run, job.name, job.arn, answer))
    if status in run.entry.failed:
        raise JobFailed(identity.step, job.name, status, _reason(answer))
    return result_of(run, job.name, answer, started=job.since)


def result_of(run: StepRun, name: str, answer: dict[str, Any], *, started: str) -> StepResult:
    """The result of a resource out of its Describe answer, pruned to what others reference."""
    metrics = {m["MetricName"]: m["Value"] for m in answer.get("FinalMetricDataList") or []}
    outputs = run.spec.get("Outputs")
    return StepResult(
        step=run.identity.step,
        type=run.step_type,
        name=name,
        arn=answer.get(run.entry.arn_key),
        properties=answer if outputs == "all" else select(answer, list(outputs or ())),
        started=started,
        ended=now(),
        facts={"Metrics": metrics} if metrics else {},
    )


def _reason(answer: dict[str, Any]) -> str:
    reason = str(answer.get("FailureReason") or "")
    if not reason and answer.get("SecondaryStatus") == "MaxRuntimeExceeded":
        return "it ran longer than its StoppingCondition allows (MaxRuntimeExceeded)"
    message = answer.get("ExitMessage")
    return f"{reason} ({message})" if reason and message else reason or str(message or "")
