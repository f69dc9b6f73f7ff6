"""Hyperparameter tuning jobs: this module creates them, ``local_aws.job.tuner`` runs them with real training jobs."""

from __future__ import annotations

from ...json_types import AwsShape
from .. import job
from ..errors import AwsError, invalid
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
from .job_lifecycle import create_job, folder_of, status_in_list, status_of

FAMILY, WORD = "tuning", "HyperParameterTuningJob"


def _create(context: Context, request: Request) -> Answer:
    name = str(request[f"{WORD}Name"])
    arn = context.arn(f"hyper-parameter-tuning-job/{name}")
    if not (request.get("TrainingJobDefinition") or request.get("TrainingJobDefinitions")):
        raise invalid("TrainingJobDefinition or TrainingJobDefinitions is required.")
    try:
        create_job(context, FAMILY, name, {"arn": arn, "request": dict(request)}, tags_of(request))
    except NameTaken:
        message = "Hyper parameter tuning job name must be unique within an AWS account and region"
        raise AwsError("ResourceInUse", f"{message}, and a job with this name already exists ({arn})") from None
    return {f"{WORD}Arn": arn}


def _find(context: Context, request: Request) -> Resource:
    name = str(request[f"{WORD}Name"])
    found = context.store.get(FAMILY, context.region, name)
    if found is None:
        raise AwsError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the name {name}.")
    return found


def _summary(context: Context, found: Resource, name: str, child: AwsShape) -> Answer:
    value = child.get("value")
    metric = {"Type": child.get("goal"), "MetricName": child.get("metric"), "Value": value}
    ended = child["status"] in ("Completed", "Failed", "Stopped")
    return {
        "TrainingJobDefinitionName": child.get("definition"),
        "TrainingJobName": name,
        "TrainingJobArn": child.get("arn") or context.arn(f"training-job/{name}"),
        "TuningJobName": found.name,
        "CreationTime": child["created"],
        "TrainingEndTime": child.get("ended"),
        "TrainingJobStatus": child["status"],
        "TunedHyperParameters": child["values"],
        "FailureReason": child.get("reason"),
        "FinalHyperParameterTuningJobObjectiveMetric": metric if value is not None else None,
        "ObjectiveStatus": "Succeeded" if value is not None else "Failed" if ended else "Pending",
    }


def _best(rows: list[Answer], goal: str | None) -> Answer | None:
    measured = [row for row in rows if row["FinalHyperParameterTuningJobObjectiveMetric"]]
    if not measured:
        return None
    pick = min if goal == "Minimize" else max
    return pick(measured, key=lambda row: row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def _describe(context: Context, request: Request) -> Answer:
    found = _find(context, request)
    return _answer(context, found, status_of(context, FAMILY, found))


def _answer(context: Context, found: Resource, status: AwsShape) -> Answer:
    children = status.get("children") or {}
    rows = [_summary(context, found, name, child) for name, child in children.items()]
    states = [child["status"] for child in children.values()]
    goals = [row["ObjectiveStatus"] for row in rows]
    body = found.body["request"]
    goal = (body["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective") or {}).get("Type")
    return {
        **body,
        f"{WORD}Arn": found.body["arn"],
        f"{WORD}Status": status["status"],
        "FailureReason": status.get("failure_reason"),
        "CreationTime": found.created,
        "LastModifiedTime": status["last_modified_time"],
        "HyperParameterTuningEndTime": status.get("end_time"),
        "TrainingJobStatusCounters": {
            "Completed": states.count("Completed"),
            "InProgress": states.count("InProgress"),
            "RetryableError": 0,
            "NonRetryableError": states.count("Failed"),
            "Stopped": states.count("Stopped"),
        },
        "ObjectiveStatusCounters": {word: goals.count(word) for word in ("Succeeded", "Pending", "Failed")},
        "BestTrainingJob": _best(rows, goal),
    }


def _children(context: Context, request: Request) -> Answer:
    found = _find(context, request)
    status = status_of(context, FAMILY, found)
    rows = [_summary(context, found, name, child) for name, child in (status.get("children") or {}).items()]
    rows = [row for row in rows if request.get("StatusEquals") in (None, row["TrainingJobStatus"])]
    if request.get("SortBy") == "FinalObjectiveMetricValue":
        measured = [row for row in rows if row["FinalHyperParameterTuningJobObjectiveMetric"]]
        measured.sort(
            key=lambda row: row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"],
            reverse=request.get("SortOrder") == "Descending",
        )
        rows = measured + [row for row in rows if not row["FinalHyperParameterTuningJobObjectiveMetric"]]
    return page(rows, request, "TrainingJobSummaries")


def _stop(context: Context, request: Request) -> Answer:
    found = _find(context, request)
    status = status_of(context, FAMILY, found)["status"]
    if status in ("Completed", "Failed", "Stopped"):
        raise invalid(f"The request was rejected because the job is in status {status}.")
    job.request_stop(folder_of(context, FAMILY, found.name))
    return {}


def _list(context: Context, request: Request) -> Answer:
    rows = []
    for found in context.store.all(FAMILY, context.region):
        row = _answer(context, found, status_in_list(context, FAMILY, found))
        if passes_filters(request, found.name, row[f"{WORD}Status"], found.created, row["LastModifiedTime"]):
            config = found.body["request"]["HyperParameterTuningJobConfig"]
            rows.append({**row, "Strategy": config.get("Strategy"), "ResourceLimits": config.get("ResourceLimits")})
    keys = {"Name": f"{WORD}Name", "CreationTime": "CreationTime", "Status": f"{WORD}Status"}
    return page(sorted_rows(rows, request, keys, "CreationTime"), request, f"{WORD}Summaries")


HANDLERS: dict[str, Handler] = {
    f"Create{WORD}": _create,
    f"Describe{WORD}": _describe,
    f"Stop{WORD}": _stop,
    f"List{WORD}s": _list,
    f"ListTrainingJobsFor{WORD}": _children,
}
