"""EMR: a step on an existing cluster, or on a new cluster that ends with it.

The calls take no client token, so the derived name is looked up before anything is created, and boto3 sends each call
once: after an error, the step's own retries start with the lookup.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..aws.calls import as_json, call, call_with_retries, retrying
from ..aws.errors import is_throttled
from ..describe import properties_of
from ..exceptions import StepFailed
from ..identity import digest, resource_name
from ..journal import Entry
from ..request import fitted, resolved_arguments
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import next_start
from ..watch.console_links import facts_about
from .base import WaitingRunner
from .job import ended_well, result_of

if TYPE_CHECKING:
    from ...json_types import AwsShape

START = 6
APPEARS_WITHIN_S = (0.0, 1.0, 3.0, 6.0)  # a resource created by a call whose response was lost
IsOwn = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class ClusterStep:
    """The handle of an EMR step: its cluster and its own id, ``j-1ABC/s-2DEF``; without a step there is none yet."""

    cluster: str
    step: str

    @classmethod
    def of(cls, handle: str) -> ClusterStep:
        """What ``handle`` says."""
        cluster, _, step = handle.partition("/")
        return cls(cluster, step)

    @property
    def text(self) -> str:
        """The handle as it is stored."""
        return f"{self.cluster}/{self.step}"

    @property
    def address(self) -> dict[str, str]:
        """Members of a call."""
        return {"ClusterId": self.cluster, "StepId": self.step}


class EmrRunner(WaitingRunner):
    """Adds a step to a cluster."""

    request_from = "arguments"
    is_job = True
    needs_journal = True
    ends_soon = True

    async def submit(self, run: StepRun) -> Submitted:
        """The EMR step of this attempt: added, or found because this attempt has already added it."""
        before = await run.journal.read()
        ordinal = await next_start(
            run, lambda handle: properties_of(run.aws, run.entry, ClusterStep.of(handle).address), self.stop
        )
        known = before if before is not None and before.ordinal == ordinal else None
        forgotten = before is None and run.identity.try_number > 1 and not run.is_continuation
        return await _submit(run, ordinal, known, forgotten=forgotten)

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the step; properties are EMR's Step and ``ClusterId``."""
        answer = await ended_well(run, job, ClusterStep.of(job.handle).address)
        return result_of(run, job.name, answer, started=job.since)

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Cancel the step, and terminate its cluster if it was created for the step."""
        at = ClusterStep.of(handle)
        if not at.step:
            return False
        await call_with_retries(run.aws, "emr", "CancelSteps", ClusterId=at.cluster, StepIds=[at.step])
        if "ClusterConfig" in run.spec.arguments:
            await call_with_retries(run.aws, "emr", "TerminateJobFlows", JobFlowIds=[at.cluster])
        run.log(f"CancelSteps: {name}")
        return True


async def _submit(run: StepRun, ordinal: int, known: Entry | None, *, forgotten: bool) -> Submitted:
    """The ``ordinal``-th EMR step; ``known`` is its journal entry, ``forgotten`` whether the journal was lost."""
    identity, name = run.identity, name_of(run, ordinal)
    await run.journal.write(Entry.of(identity, name, ordinal))
    arguments = await resolved_arguments(run)
    pauses = APPEARS_WITHIN_S if known is not None else (0.0,)
    is_own = _names(run, ordinal, known)
    if "ClusterConfig" in arguments:
        cluster, made = await _own_cluster(run, name, arguments, is_own, pauses)
        pauses = APPEARS_WITHIN_S  # its step was created with it
    else:
        cluster, made = str(arguments.get("ClusterId") or ""), False
    if not cluster:
        raise StepFailed(f'Step "{identity.step}": Arguments have neither ClusterId nor ClusterConfig.')
    found = await _find(run, "ListSteps", is_own, pauses, ClusterId=cluster)
    if forgotten and found is not None and run.entry.status_of(found) in run.entry.failed:
        return await _submit(run, ordinal + 1, None, forgotten=True)  # that was the previous attempt
    adopted = found is not None and not made
    step = found["Id"] if found is not None else await _add(run, cluster, name, arguments)
    handle = ClusterStep(cluster, step).text
    submitted = Submitted(name, handle, ordinal, now(), adopted)
    await run.journal.write(submitted.entry(identity))
    await run.publish({**facts_about(run, name, handle), "created": "" if adopted else handle})
    return submitted


def name_of(run: StepRun, ordinal: int) -> str:
    """Name of the ``ordinal``-th step; its last part distinguishes deleted runs with the same id, and clears."""
    identity = run.identity
    return f"{resource_name(identity, ordinal)}-{digest(identity.run_started, identity.generation)[:START]}"


def _names(run: StepRun, ordinal: int, known: Entry | None) -> IsOwn:
    """Whether a name is that of the ``ordinal``-th step of this run; ``known`` is its journal entry.

    A run that is cleared after its end starts again, so if the journal was lost and no generation indicates a clear,
    only the first attempt requires the start time to match, as ``submit`` does for jobs.
    """
    identity = run.identity
    names = {name_of(run, ordinal), *([known.name] if known is not None else ())}
    any_start = known is None and identity.try_number > 1 and not identity.generation
    head = f"{resource_name(identity, ordinal)}-" if any_start else None
    return lambda name: name in names or (head is not None and name.startswith(head))


async def _own_cluster(
    run: StepRun, name: str, arguments: AwsShape, is_own: IsOwn, pauses: tuple[float, ...]
) -> tuple[str, bool]:
    """A cluster that runs only this step, and whether it was created now rather than found by its name."""
    found = await _find(run, "ListClusters", is_own, pauses)
    if found is not None:
        return str(found["Id"]), False
    config = arguments["ClusterConfig"]
    instances = {**(config.get("Instances") or {}), "KeepJobFlowAliveWhenNoSteps": False, "TerminationProtected": False}
    step = {"ActionOnFailure": "TERMINATE_CLUSTER", **(arguments.get("StepConfig") or {}), "Name": name}
    request = {**config, "Name": name, "Instances": instances, "Steps": [step]}
    made = await _once(run, "RunJobFlow", request)
    run.log(f"RunJobFlow: {name} is {made['JobFlowId']}")
    return str(made["JobFlowId"]), True


async def _add(run: StepRun, cluster: str, name: str, arguments: AwsShape) -> str:
    config = {"ActionOnFailure": "CONTINUE", **(arguments.get("StepConfig") or {}), "Name": name}
    request = {"JobFlowId": cluster, "Steps": [config]}
    if arguments.get("ExecutionRoleArn"):
        request["ExecutionRoleArn"] = arguments["ExecutionRoleArn"]
    answer = await _once(run, "AddJobFlowSteps", request)
    step = str(answer["StepIds"][0])
    run.log(f"AddJobFlowSteps: {name} is {step} on {cluster}")
    return step


async def _once(run: StepRun, operation: str, request: AwsShape) -> dict[str, Any]:
    """Send ``request``; repeats it only if throttled, because after other errors it may have been executed."""
    ready = await fitted(run, request, operation)
    return await retrying(lambda: call(run.aws, "emr", operation, **ready), is_throttled)


async def _find(
    run: StepRun, listing: str, is_own: IsOwn, pauses: tuple[float, ...], **members: str
) -> dict[str, Any] | None:
    """The first step or cluster with one of this step's names, looked up after each of ``pauses``."""
    for pause in pauses:
        await asyncio.sleep(pause)
        token: dict[str, str] = {}
        while True:
            answer = as_json(await call_with_retries(run.aws, "emr", listing, **members, **token))
            for row in answer.get(listing.removeprefix("List")) or []:
                if is_own(str(row.get("Name"))):
                    return dict(row)
            if not answer.get("Marker"):
                break
            token = {"Marker": answer["Marker"]}
    return None
