"""EMR's operations on clusters and steps."""

from __future__ import annotations

import re
import threading

from ..sagemaker.context import Answer, Context, Handler, Request, created_between
from ..store import Resource
from .models import (
    CLUSTER,
    ENDED,
    STEP,
    TERMINATED,
    advance_steps,
    cancel_step,
    cluster_arn,
    find_cluster,
    new_id,
    refused,
)

# Operations on clusters and steps, which moto does not know; moto answers all others.
OWNED = re.compile(r"Cluster|JobFlow|Step|Instance|Fleet|Tags|Termination|Visible|AutoScaling|ManagedScaling|Bootstrap")
_ONE_AT_A_TIME = threading.Lock()  # two concurrent requests must not both start the next step


def _run_job_flow(context: Context, request: Request) -> Answer:
    name = new_id("j-")
    context.store.insert(
        CLUSTER, context.region, name, {"request": {**request, "Steps": []}, "state": "WAITING", "number": 0}
    )
    if request.get("Steps"):
        _add_steps(context, {"JobFlowId": name, "Steps": request["Steps"]})
    return {"JobFlowId": name, "ClusterArn": cluster_arn(context, name)}


def _add_steps_to(context: Context, request: Request) -> Answer:
    cluster = find_cluster(context, request["JobFlowId"])
    ended = _cluster_answer(context, cluster)["Status"]["State"] == TERMINATED
    # On AWS, a cluster without any step yet would still be starting and would accept steps.
    if ended and (cluster.body["state"] == TERMINATED or advance_steps(context, cluster.name)):
        raise refused(f"A job flow that is shutting down, terminated, or finished may not be modified: {cluster.name}")
    return _add_steps(context, request)


def _add_steps(context: Context, request: Request) -> Answer:
    cluster = find_cluster(context, request["JobFlowId"])
    names = []
    for number, config in enumerate(request["Steps"], start=len(advance_steps(context, cluster.name))):
        names.append(new_id("s-"))
        body = {"cluster": cluster.name, "number": number, "config": config, "state": "PENDING", "handled": False}
        context.store.insert(STEP, context.region, names[-1], body)
    advance_steps(context, cluster.name)
    return {"StepIds": names}


def _step_answer(row: Resource) -> Answer:
    config, body = row.body["config"], row.body
    jar = config.get("HadoopJarStep") or {}
    properties = {item["Key"]: item["Value"] for item in jar.get("Properties") or []}
    status: Answer = {
        "State": body["state"],
        "StateChangeReason": {},
        "Timeline": {
            "CreationDateTime": row.created,
            "StartDateTime": body.get("started"),
            "EndDateTime": body.get("ended"),
        },
    }
    if body.get("reason"):
        status["FailureDetails"] = {"Reason": body["reason"], "Message": body["reason"]}
    return {
        "Id": row.name,
        "Name": config["Name"],
        "ActionOnFailure": config.get("ActionOnFailure"),
        "Config": {**jar, "Properties": properties},
        "Status": status,
    }


def _describe_step(context: Context, request: Request) -> Answer:
    cluster = find_cluster(context, request["ClusterId"])
    for row in advance_steps(context, cluster.name):
        if row.name == request["StepId"]:
            return {"Step": _step_answer(row)}
    raise refused(f"Step id '{request['StepId']}' is not valid.")


def _list_steps(context: Context, request: Request) -> Answer:
    rows = advance_steps(context, find_cluster(context, request["ClusterId"]).name)
    states, names = set(request.get("StepStates") or ()), set(request.get("StepIds") or ())
    return {
        "Steps": [
            _step_answer(row)
            for row in reversed(rows)
            if (not states or row.body["state"] in states) and (not names or row.name in names)
        ]
    }


def _cancel_steps(context: Context, request: Request) -> Answer:
    answers = []
    for row in advance_steps(context, find_cluster(context, request["ClusterId"]).name):
        if row.name in request["StepIds"]:
            status = "FAILED" if row.body["state"] in ENDED else "SUBMITTED"
            cancel_step(context, row)
            answers.append({"StepId": row.name, "Status": status})
    return {"CancelStepsInfoList": answers}


def _terminate(context: Context, request: Request) -> Answer:
    for name in request["JobFlowIds"]:
        cluster = find_cluster(context, name)
        for row in advance_steps(context, cluster.name):
            cancel_step(context, row)
        context.store.update(CLUSTER, context.region, cluster.name, state=TERMINATED)
    return {}


def _cluster_answer(context: Context, row: Resource) -> Answer:
    request, steps = row.body["request"], advance_steps(context, row.name)
    busy = any(step.body["state"] not in ENDED for step in steps)
    keep_alive = (request.get("Instances") or {}).get("KeepJobFlowAliveWhenNoSteps")
    known = context.store.get(CLUSTER, context.region, row.name) or row
    state = "RUNNING" if busy else "WAITING" if keep_alive else TERMINATED
    return {
        **request,
        "Id": row.name,
        "ClusterArn": cluster_arn(context, row.name),
        "Status": {
            "State": TERMINATED if known.body["state"] == TERMINATED else state,
            "StateChangeReason": {},
            "Timeline": {"CreationDateTime": row.created, "ReadyDateTime": row.created},
        },
    }


def _describe_cluster(context: Context, request: Request) -> Answer:
    return {"Cluster": _cluster_answer(context, find_cluster(context, request["ClusterId"]))}


def _list_clusters(context: Context, request: Request) -> Answer:
    known = reversed(context.store.all(CLUSTER, context.region))
    rows = [_cluster_answer(context, row) for row in known if created_between(request, row.created)]
    wanted = set(request.get("ClusterStates") or ())
    return {"Clusters": [row for row in rows if not wanted or row["Status"]["State"] in wanted]}


def _serialized(handler: Handler) -> Handler:
    def handle(context: Context, request: Request) -> Answer:
        with _ONE_AT_A_TIME:
            return handler(context, request)

    return handle


_OPERATIONS: dict[str, Handler] = {
    "RunJobFlow": _run_job_flow,
    "AddJobFlowSteps": _add_steps_to,
    "DescribeStep": _describe_step,
    "ListSteps": _list_steps,
    "CancelSteps": _cancel_steps,
    "TerminateJobFlows": _terminate,
    "DescribeCluster": _describe_cluster,
    "ListClusters": _list_clusters,
}
HANDLERS = {operation: _serialized(handler) for operation, handler in _OPERATIONS.items()}
