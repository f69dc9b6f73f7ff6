"""Hyperparameter tuning jobs: created here, run by ``local.job.tuner`` with real training jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import job
from ..errors import AwsError, invalid
from ..store import NameTaken, Resource
from .context import Answer, Context, Handler, Request, in_order, page, wanted

FAMILY, WORD = "tuning", "HyperParameterTuningJob"


def _folder(context: Context, name: str) -> Path:
    return context.state_dir / "jobs" / FAMILY / name


def _create(context: Context, request: Request) -> Answer:
    name = str(request[f"{WORD}Name"])
    arn = context.arn(f"hyper-parameter-tuning-job/{name}")
    if not (request.get("TrainingJobDefinition") or request.get("TrainingJobDefinitions")):
        raise invalid("TrainingJobDefinition or TrainingJobDefinitions is required.")
    try:
        made = context.store.insert(FAMILY, context.region, name, {"arn": arn, "request": dict(request)})
    except NameTaken:
        what = "Hyper parameter tuning job name must be unique within an AWS account and region"
        raise AwsError("ResourceInUse", f"{what}, and a job with this name already exists ({arn})") from None
    context.keep_tags(arn, request)
    ticket = {
        "kind": FAMILY,
        "name": name,
        "arn": arn,
        "region": context.region,
        "account": context.aws.account,
        "endpoint_url": context.aws.endpoint_url,
        "access_key": context.aws.access_key,
        "secret_key": context.aws.secret_key,
        "request": dict(request),
        "state_dir": str(context.state_dir),
        "created": made.created,
    }
    folder = _folder(context, name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(ticket))
    job.launch(folder, "tuner")
    return {f"{WORD}Arn": arn}


def _find(context: Context, request: Request) -> tuple[Resource, dict[str, Any]]:
    name = str(request[f"{WORD}Name"])
    found = context.store.get(FAMILY, context.region, name)
    if found is None:
        raise AwsError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the name {name}.")
    folder = _folder(context, name)
    if not (folder / "status.json").exists():  # the server died between the two
        job.launch(folder, "tuner")
    return found, job.read_status(folder)


def _summary(context: Context, found: Resource, name: str, child: Mapping[str, Any]) -> Answer:
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
    found, status = _find(context, request)
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
    found, status = _find(context, request)
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
    found, status = _find(context, request)
    if status["status"] in ("Completed", "Failed", "Stopped"):
        raise invalid(f"The request was rejected because the job is in status {status['status']}.")
    job.request_stop(_folder(context, found.name))
    return {}


def _list(context: Context, request: Request) -> Answer:
    rows = []
    for found in context.store.all(FAMILY, context.region):
        row = _describe(context, {f"{WORD}Name": found.name})
        if wanted(request, found.name, row[f"{WORD}Status"], found.created, row["LastModifiedTime"]):
            config = found.body["request"]["HyperParameterTuningJobConfig"]
            rows.append({**row, "Strategy": config.get("Strategy"), "ResourceLimits": config.get("ResourceLimits")})
    keys = {"Name": f"{WORD}Name", "CreationTime": "CreationTime", "Status": f"{WORD}Status"}
    return page(in_order(rows, request, keys, "CreationTime"), request, f"{WORD}Summaries")


HANDLERS: dict[str, Handler] = {
    f"Create{WORD}": _create,
    f"Describe{WORD}": _describe,
    f"Stop{WORD}": _stop,
    f"List{WORD}s": _list,
    f"ListTrainingJobsFor{WORD}": _children,
}
