"""Processing, training and transform jobs: this module creates them, ``local_aws.job`` runs them."""

from __future__ import annotations

from typing import Any

from ...json_types import AwsShape
from .. import job
from ..errors import AwsError, invalid, not_found
from ..store import NameTaken, Resource
from .context import (
    Answer,
    Context,
    Handler,
    Request,
    page,
    passes_filters,
    sorted_rows,
    tags_of,
)
from .hosting import containers_of_model
from .job_lifecycle import create_job, folder_of, status_in_list, status_of
from .kinds import Kind

KINDS = (
    Kind("ProcessingJob", "processing", "processing-job"),
    Kind("TrainingJob", "training", "training-job"),
    Kind("TransformJob", "transform", "transform-job"),
)


def _create(kind: Kind) -> Handler:
    def create(context: Context, request: Request) -> Answer:
        name = str(request[kind.name_key])
        arn = context.arn(f"{kind.path}/{name}")
        body: dict[str, Any] = {"arn": arn, "request": dict(request)}
        if kind.family == "transform":
            body["model"] = {"containers": containers_of_model(context, str(request["ModelName"]))}
        try:
            create_job(context, kind.family, name, body, tags_of(request))
        except NameTaken:
            message = f"{kind.word} name must be unique within an AWS account and region"
            raise AwsError("ResourceInUse", f"{message}, and a job with this name already exists ({arn})") from None
        return {kind.arn_key: arn}

    return create


def _find(context: Context, kind: Kind, request: Request) -> Resource:
    name = str(request[kind.name_key])
    found = context.store.get(kind.family, context.region, name)
    if found is None:
        if kind.family == "transform":
            raise not_found(f"Could not find requested job with name: {name}")
        raise invalid(f"Could not find requested job with name: {name}")
    return found


def _describe(kind: Kind) -> Handler:
    def describe(context: Context, request: Request) -> Answer:
        found = _find(context, kind, request)
        status = status_of(context, kind.family, found)
        answer: Answer = {
            **found.body["request"],
            kind.name_key: found.name,
            kind.arn_key: found.body["arn"],
            kind.status_key: status["status"],
            "FailureReason": status.get("failure_reason"),
            "CreationTime": found.created,
            "LastModifiedTime": status["last_modified_time"],
        }
        answer.update(_DETAILS[kind.family](found, status))
        return answer

    return describe


def _processing_details(found: Resource, status: AwsShape) -> Answer:
    return {
        "ProcessingStartTime": status.get("start_time"),
        "ProcessingEndTime": status.get("end_time"),
        "ExitMessage": status.get("exit_message"),
        "StoppingCondition": found.body["request"].get("StoppingCondition") or {"MaxRuntimeInSeconds": 86400},
    }


def _training_details(found: Resource, status: AwsShape) -> Answer:
    details: Answer = {
        "SecondaryStatus": status.get("secondary_status"),
        "SecondaryStatusTransitions": status.get("transitions"),
        "TrainingStartTime": status.get("start_time"),
        "TrainingEndTime": status.get("end_time"),
        "FinalMetricDataList": status.get("metrics"),
        "BillableTimeInSeconds": status.get("billable_seconds"),
        "TrainingTimeInSeconds": status.get("billable_seconds"),
    }
    if status.get("model_artifacts"):
        details["ModelArtifacts"] = {"S3ModelArtifacts": status["model_artifacts"]}
    return details


def _transform_details(found: Resource, status: AwsShape) -> Answer:
    return {"TransformStartTime": status.get("start_time"), "TransformEndTime": status.get("end_time")}


_DETAILS = {"processing": _processing_details, "training": _training_details, "transform": _transform_details}


def _stop(kind: Kind) -> Handler:
    def stop(context: Context, request: Request) -> Answer:
        found = _find(context, kind, request)
        status = status_of(context, kind.family, found)["status"]
        if status in ("Completed", "Failed", "Stopped"):
            raise invalid(f"The request was rejected because the job is in status {status}.")
        job.request_stop(folder_of(context, kind.family, found.name))
        return {}

    return stop


def _list(kind: Kind) -> Handler:
    keys = {"Name": kind.name_key, "CreationTime": "CreationTime", "Status": kind.status_key}

    def listing(context: Context, request: Request) -> Answer:
        rows = []
        for found in context.store.all(kind.family, context.region):
            status = status_in_list(context, kind.family, found)
            if passes_filters(request, found.name, status["status"], found.created, status["last_modified_time"]):
                rows.append(
                    {
                        kind.name_key: found.name,
                        kind.arn_key: found.body["arn"],
                        kind.status_key: status["status"],
                        "CreationTime": found.created,
                        "LastModifiedTime": status["last_modified_time"],
                        f"{kind.word.removesuffix('Job')}EndTime": status.get("end_time"),
                        "FailureReason": status.get("failure_reason"),
                    }
                )
        return page(sorted_rows(rows, request, keys, "CreationTime"), request, f"{kind.word}Summaries")

    return listing


HANDLERS: dict[str, Handler] = {}
for _kind in KINDS:
    HANDLERS[f"Create{_kind.word}"] = _create(_kind)
    HANDLERS[f"Describe{_kind.word}"] = _describe(_kind)
    HANDLERS[f"Stop{_kind.word}"] = _stop(_kind)
    HANDLERS[f"List{_kind.word}s"] = _list(_kind)
