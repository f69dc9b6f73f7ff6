"""EMR's clusters, which are only records, and their steps, which run on this machine one after the other.

Every request about a cluster advances its steps; whoever waits for a step sends such requests.
"""

from __future__ import annotations

import secrets
import string
import time
from typing import Any

from .. import job
from ..container.job_folder import new_job_data
from ..errors import AwsError
from ..sagemaker.context import Context
from ..sagemaker.job_lifecycle import folder_of
from ..store import Resource

CLUSTER, STEP = "emr-cluster", "emr-step"
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
TERMINATED = "TERMINATED"
ENDS_CLUSTER = frozenset({"TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW"})
STATES = {
    "InProgress": "RUNNING",
    "Stopping": "CANCEL_PENDING",
    "Completed": "COMPLETED",
    "Failed": "FAILED",
    "Stopped": "CANCELLED",
}


def new_id(prefix: str) -> str:
    """A random id, as EMR forms them: ``prefix`` and 13 capital letters and digits."""
    return prefix + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))


def refused(message: str) -> AwsError:
    """``InvalidRequestException``."""
    return AwsError("InvalidRequestException", message)


def find_cluster(context: Context, name: object) -> Resource:
    """A cluster by its id.  Raises :class:`AwsError` if there is none."""
    found = context.store.get(CLUSTER, context.region, str(name))
    if found is None:
        way_out = "Create it in the embedded AWS (run_job_flow), or declare a stub: sagemaker-mlops run --stubs FILE."
        raise refused(f"Cluster id '{name}' is not valid. {way_out}")
    return found


def advance_steps(context: Context, cluster: str) -> list[Resource]:
    """A cluster's steps in their order; updates their states and starts the next step if none runs."""
    steps = [row for row in context.store.all(STEP, context.region) if row.body["cluster"] == cluster]
    steps.sort(key=lambda row: row.body["number"])
    for row in steps:
        _update_state(context, row)
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
            _start(context, following)
    return steps


def _change(context: Context, row: Resource, **changes: Any) -> None:
    row.body.update(changes)
    context.store.update(STEP, context.region, row.name, **changes)


def _start(context: Context, row: Resource) -> None:
    folder = folder_of(context, "emr", row.name)
    arn = f"{cluster_arn(context, row.body['cluster'])}/{row.name}"
    job_data = new_job_data(context.aws, context.region, "emr", row.name, arn, request=row.body["config"])
    job.prepare(folder, job_data)
    _change(context, row, state="RUNNING", started=time.time())
    job.launch(folder)


def _update_state(context: Context, row: Resource) -> None:
    """Update the stored state of a running step from its job."""
    if row.body["state"] in ENDED | {"PENDING"}:
        return
    status = job.read_status(folder_of(context, "emr", row.name))
    changes: dict[str, Any] = {"state": STATES[status["status"]]}
    if changes["state"] in ENDED:
        changes |= {"ended": status.get("end_time"), "reason": status.get("failure_reason")}
    if changes["state"] != row.body["state"]:
        _change(context, row, **changes)


def cluster_arn(context: Context, name: str) -> str:
    """The ARN of a cluster."""
    return f"arn:aws:elasticmapreduce:{context.region}:{context.aws.account}:cluster/{name}"


def cancel_step(context: Context, row: Resource) -> None:
    """Cancel a pending step; ask the job of a running step to stop."""
    if row.body["state"] == "PENDING":
        _change(context, row, state="CANCELLED", ended=time.time())
    elif row.body["state"] not in ENDED:
        job.request_stop(folder_of(context, "emr", row.name))
