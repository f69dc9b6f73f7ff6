"""EMR: a step on a running cluster, or on a cluster of its own that ends with it.

Neither call takes a client token, so the derived name is looked for before anything is made.
"""

from __future__ import annotations

from typing import Any

from ..aws import as_json, call
from ..describe import properties_of
from ..facts import facts_about
from ..failures import StepFailed
from ..identity import resource_name
from ..journal import Entry
from ..request import fitted, resolved_arguments
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import next_start
from .job import ended_well, result_of


async def submit(run: StepRun) -> Submitted:
    """The EMR step of this attempt: added, or found because an earlier try of it added it."""
    identity = run.identity
    ordinal = await next_start(run, lambda handle: properties_of(run.aws, run.entry, _address(handle)), stop)
    name = resource_name(identity, ordinal)
    await run.journal.write(Entry(name, ordinal, identity.try_number, identity.generation, "intent"))
    arguments = await resolved_arguments(run)
    own_cluster = "ClusterConfig" in arguments
    cluster = await _own_cluster(run, name, arguments) if own_cluster else str(arguments.get("ClusterId") or "")
    if not cluster:
        raise StepFailed(f'Step "{identity.step}": Arguments have neither ClusterId nor ClusterConfig.')
    step = await _find_step(run, cluster, name)
    adopted = step is not None
    if step is None:
        config = {"ActionOnFailure": "CONTINUE", **(arguments.get("StepConfig") or {}), "Name": name}
        request = {"JobFlowId": cluster, "Steps": [config]}
        if arguments.get("ExecutionRoleArn"):
            request["ExecutionRoleArn"] = arguments["ExecutionRoleArn"]
        answer = await call(run.aws, "emr", "AddJobFlowSteps", **await fitted(run, request))
        step = str(answer["StepIds"][0])
        run.tell(f"AddJobFlowSteps: {name} is {step} on {cluster}")
    handle = f"{cluster}/{step}"
    await run.journal.write(Entry(name, ordinal, identity.try_number, identity.generation, "submitted", handle))
    await run.publish({**facts_about(run, name, handle), "created": "" if adopted else handle})
    return Submitted(name, handle, ordinal, now(), adopted)


async def follow(run: StepRun, job: Submitted) -> StepResult:
    """Wait for the step; properties are EMR's Step and ``ClusterId``."""
    answer = await ended_well(run, job, _address(job.arn))
    return result_of(run, job.name, answer, started=job.since)


async def stop(run: StepRun, name: str, handle: str) -> bool:
    """Cancel the step, and end its cluster when that is its own."""
    cluster, _, step = handle.partition("/")
    if not step:
        return False
    await call(run.aws, "emr", "CancelSteps", ClusterId=cluster, StepIds=[step])
    if "ClusterConfig" in (run.spec.get("Arguments") or {}):
        await call(run.aws, "emr", "TerminateJobFlows", JobFlowIds=[cluster])
    run.tell(f"CancelSteps: {name}")
    return True


def _address(handle: str) -> dict[str, Any]:
    cluster, _, step = handle.partition("/")
    return {"ClusterId": cluster, "StepId": step}


async def _own_cluster(run: StepRun, name: str, arguments: dict[str, Any]) -> str:
    """A cluster that runs this one step and ends; found by its name when it is there already."""
    token: dict[str, str] = {}
    while True:
        answer = as_json(await call(run.aws, "emr", "ListClusters", **token))
        for cluster in answer.get("Clusters") or []:
            if cluster.get("Name") == name:
                return str(cluster["Id"])
        if not answer.get("Marker"):
            break
        token = {"Marker": answer["Marker"]}
    config = arguments["ClusterConfig"]
    instances = {**(config.get("Instances") or {}), "KeepJobFlowAliveWhenNoSteps": False, "TerminationProtected": False}
    step = {"ActionOnFailure": "TERMINATE_CLUSTER", **(arguments.get("StepConfig") or {}), "Name": name}
    request = {**config, "Name": name, "Instances": instances, "Steps": [step]}
    made = await call(run.aws, "emr", "RunJobFlow", **await fitted(run, request, "RunJobFlow"))
    run.tell(f"RunJobFlow: {name} is {made['JobFlowId']}")
    return str(made["JobFlowId"])


async def _find_step(run: StepRun, cluster: str, name: str) -> str | None:
    token: dict[str, str] = {}
    while True:
        answer = as_json(await call(run.aws, "emr", "ListSteps", ClusterId=cluster, **token))
        for step in answer.get("Steps") or []:
            if step.get("Name") == name:
                return str(step["Id"])
        if not answer.get("Marker"):
            return None
        token = {"Marker": answer["Marker"]}
