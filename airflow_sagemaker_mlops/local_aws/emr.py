"""EMR: clusters are only records; their steps run on this machine, one after the other.

Every request about a cluster advances its steps; whoever waits for a step sends such requests.
"""

from __future__ import annotations

import re
import secrets
import string
import threading
import time
from typing import Any

from . import job
from .errors import AwsError
from .job.job_folder import new_ticket
from .sagemaker.context import Answer, Context, Handler, Request, made_between
from .sagemaker.running import folder_of
from .store import Resource

CLUSTER, STEP = "emr-cluster", "emr-step"
# Operations on clusters and steps, which moto does not know; moto answers all others.
OWNED = re.compile(r"Cluster|JobFlow|Step|Instance|Fleet|Tags|Termination|Visible|AutoScaling|ManagedScaling|Bootstrap")
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
TERMINATED = "TERMINATED"
ENDS_CLUSTER = frozenset({"TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW"})
_ONE_AT_A_TIME = threading.Lock()  # two concurrent requests must not both start the next step
STATES = {
    "InProgress": "RUNNING",
    "Stopping": "CANCEL_PENDING",
    "Completed": "COMPLETED",
    "Failed": "FAILED",
    "Stopped": "CANCELLED",
}


def _id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))


def _refused(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)


def _cluster(context: Context, name: Any) -> Resource:
    found = context.store.get(CLUSTER, context.region, str(name))
    if found is None:
        way_out = (
            "Create it in the embedded AWS (run_job_flow), or declare a stand-in: sagemaker-mlops run --stand-ins FILE."
        )
        raise _refused(f"Cluster id '{name}' is not valid. {way_out}")
    return found


def _steps(context: Context, cluster: str) -> list[Resource]:
    """A cluster's steps in their order; updates their states and starts the next step if none runs."""
    steps = [row for row in context.store.all(STEP, context.region) if row.body["cluster"] == cluster]
    steps.sort(key=lambda row: row.body["number"])
    for row in steps:
        _look(context, row)
        if row.body["state"] in ("FAILED", "CANCELLED") and not row.body["handled"]:
            _change(context, row, handled=True)
            if row.body["config"].get("ActionOnFailure") != "CONTINUE" and row.body["state"] == "FAILED":
                for later in steps:
                    if later.body["state"] == "PENDING":
                        _change(context, later, state="CANCELLED", ended=time.time())
                if row.body["config"].get("ActionOnFailure") in ENDS_CLUSTER:
                    context.store.update(CLUSTER, context.region, cluster, state=TERMINATED)
    if all(row.body["state"] in ENDED | {"PENDING"} for row in steps):
        following = next((row for row in steps if row.body["state"] == "PENDING"), None)
        if following is not None:
            _begin(context, following)
    return steps


def _change(context: Context, row: Resource, **changes: Any) -> None:
    row.body.update(changes)
    context.store.update(STEP, context.region, row.name, **changes)


def _begin(context: Context, row: Resource) -> None:
    folder = folder_of(context, "emr", row.name)
    arn = f"arn:aws:elasticmapreduce:{context.region}:{context.aws.account}:cluster/{row.body['cluster']}/{row.name}"
    ticket = new_ticket(context.aws, context.region, "emr", row.name, arn, request=row.body["config"])
    job.prepare(folder, ticket)
    _change(context, row, state="RUNNING", started=time.time())
    job.launch(folder)


def _look(context: Context, row: Resource) -> None:
    """Update the stored state of a running step from its job."""
    if row.body["state"] in ENDED | {"PENDING"}:
        return
    status = job.read_status(folder_of(context, "emr", row.name))
    changes: dict[str, Any] = {"state": STATES[status["status"]]}
    if changes["state"] in ENDED:
        changes |= {"ended": status.get("end_time"), "reason": status.get("failure_reason")}
    if changes["state"] != row.body["state"]:
        _change(context, row, **changes)


def _run_job_flow(context: Context, request: Request) -> Answer:
    name = _id("j-")
    context.store.insert(
        CLUSTER, context.region, name, {"request": {**request, "Steps": []}, "state": "WAITING", "number": 0}
    )
    if request.get("Steps"):
        _add_steps(context, {"JobFlowId": name, "Steps": request["Steps"]})
    return {"JobFlowId": name, "ClusterArn": _arn(context, name)}


def _arn(context: Context, name: str) -> str:
    return f"arn:aws:elasticmapreduce:{context.region}:{context.aws.account}:cluster/{name}"


def _add_steps_to(context: Context, request: Request) -> Answer:
    cluster = _cluster(context, request["JobFlowId"])
    ended = _cluster_answer(context, cluster)["Status"]["State"] == TERMINATED
    # On AWS, a cluster without any step yet would still be starting and would accept steps.
    if ended and (cluster.body["state"] == TERMINATED or _steps(context, cluster.name)):
        raise _refused(f"A job flow that is shutting down, terminated, or finished may not be modified: {cluster.name}")
    return _add_steps(context, request)


def _add_steps(context: Context, request: Request) -> Answer:
    cluster = _cluster(context, request["JobFlowId"])
    names = []
    for number, config in enumerate(request["Steps"], start=len(_steps(context, cluster.name))):
        names.append(_id("s-"))
        body = {"cluster": cluster.name, "number": number, "config": config, "state": "PENDING", "handled": False}
        context.store.insert(STEP, context.region, names[-1], body)
    _steps(context, cluster.name)
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
    cluster = _cluster(context, request["ClusterId"])
    for row in _steps(context, cluster.name):
        if row.name == request["StepId"]:
            return {"Step": _step_answer(row)}
    raise _refused(f"Step id '{request['StepId']}' is not valid.")


def _list_steps(context: Context, request: Request) -> Answer:
    rows = _steps(context, _cluster(context, request["ClusterId"]).name)
    states, names = set(request.get("StepStates") or ()), set(request.get("StepIds") or ())
    return {
        "Steps": [
            _step_answer(row)
            for row in reversed(rows)
            if (not states or row.body["state"] in states) and (not names or row.name in names)
        ]
    }


def _cancel_steps(context: Context, request: Request) -> Answer:
    told = []
    for row in _steps(context, _cluster(context, request["ClusterId"]).name):
        if row.name in request["StepIds"]:
            status = "FAILED" if row.body["state"] in ENDED else "SUBMITTED"
            _cancel(context, row)
            told.append({"StepId": row.name, "Status": status})
    return {"CancelStepsInfoList": told}


def _cancel(context: Context, row: Resource) -> None:
    if row.body["state"] == "PENDING":
        _change(context, row, state="CANCELLED", ended=time.time())
    elif row.body["state"] not in ENDED:
        job.request_stop(folder_of(context, "emr", row.name))


def _terminate(context: Context, request: Request) -> Answer:
    for name in request["JobFlowIds"]:
        cluster = _cluster(context, name)
        for row in _steps(context, cluster.name):
            _cancel(context, row)
        context.store.update(CLUSTER, context.region, cluster.name, state=TERMINATED)
    return {}


def _cluster_answer(context: Context, row: Resource) -> Answer:
    request, steps = row.body["request"], _steps(context, row.name)
    busy = any(step.body["state"] not in ENDED for step in steps)
    kept = (request.get("Instances") or {}).get("KeepJobFlowAliveWhenNoSteps")
    known = context.store.get(CLUSTER, context.region, row.name) or row
    state = "RUNNING" if busy else "WAITING" if kept else TERMINATED
    return {
        **request,
        "Id": row.name,
        "ClusterArn": _arn(context, row.name),
        "Status": {
            "State": TERMINATED if known.body["state"] == TERMINATED else state,
            "StateChangeReason": {},
            "Timeline": {"CreationDateTime": row.created, "ReadyDateTime": row.created},
        },
    }


def _describe_cluster(context: Context, request: Request) -> Answer:
    return {"Cluster": _cluster_answer(context, _cluster(context, request["ClusterId"]))}


def _list_clusters(context: Context, request: Request) -> Answer:
    known = reversed(context.store.all(CLUSTER, context.region))
    rows = [_cluster_answer(context, row) for row in known if made_between(request, row.created)]
    wanted = set(request.get("ClusterStates") or ())
    return {"Clusters": [row for row in rows if not wanted or row["Status"]["State"] in wanted]}


def _alone(handler: Handler) -> Handler:
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
HANDLERS = {operation: _alone(handler) for operation, handler in _OPERATIONS.items()}
