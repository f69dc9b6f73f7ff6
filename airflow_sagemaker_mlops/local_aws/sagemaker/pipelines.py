"""Stored pipeline definitions.  The embedded AWS does not execute them; ``sagemaker-mlops run`` and DAGs do."""

from __future__ import annotations

import json

from ...json_types import AwsShape
from ..errors import invalid, not_found
from ..store import NameTaken, Resource
from .context import (
    Answer,
    Context,
    Handler,
    Request,
    created_between,
    page,
    sorted_rows,
    tags_of,
)

PIPELINE = "pipeline"
_NOT_STORED = frozenset({"Tags", "ClientRequestToken", "PipelineDefinitionS3Location", "PipelineDefinition"})


def _create(context: Context, request: Request) -> Answer:
    name = str(request["PipelineName"])
    arn = context.arn(f"pipeline/{name.lower()}")
    body = {"arn": arn, "request": _stored_members(request), "definition": _definition(context, request)}
    try:
        context.store.insert(PIPELINE, context.region, name, body, tags_of(request))
    except NameTaken:
        message = "Pipeline names must be unique within an AWS account and region"
        raise invalid(f"{message}. Pipeline with name ({name}) already exists.") from None
    return {"PipelineArn": arn}


def _stored_members(request: Request) -> Answer:
    return {key: value for key, value in request.items() if key not in _NOT_STORED}


def _definition(context: Context, request: Request) -> str:
    """The text of the definition, from the request or from S3.  Raises :class:`AwsError` if it is not JSON."""
    place = request.get("PipelineDefinitionS3Location")
    if request.get("PipelineDefinition"):
        text = str(request["PipelineDefinition"])
    elif place:
        text = _fetched(context, place)
    else:
        raise invalid("Either PipelineDefinition or PipelineDefinitionS3Location is required.")
    try:
        json.loads(text)
    except ValueError as error:
        raise invalid(f"Unable to parse pipeline definition. {error}") from None
    return text


def _fetched(context: Context, place: AwsShape) -> str:
    from botocore.exceptions import ClientError

    where = {"Bucket": place["Bucket"], "Key": place["ObjectKey"]}
    if place.get("VersionId"):
        where["VersionId"] = place["VersionId"]
    try:
        content: bytes = context.aws.client("s3").get_object(**where)["Body"].read()
    except ClientError as error:
        raise invalid(f"s3://{where['Bucket']}/{where['Key']} cannot be read: {error}") from None
    return content.decode("utf-8", "replace")


def _find(context: Context, request: Request) -> Resource:
    name = str(request["PipelineName"]).rpartition("/")[2]
    for found in context.store.all(PIPELINE, context.region):
        if name in (found.name, found.name.lower()):
            return found
    raise not_found(f"Pipeline '{context.arn(f'pipeline/{name.lower()}')}' does not exist.")


def _describe(context: Context, request: Request) -> Answer:
    found = _find(context, request)
    return {**_row(found), **found.body["request"], "PipelineDefinition": found.body["definition"]}


def _row(found: Resource) -> Answer:
    request = found.body["request"]
    return {
        "PipelineArn": found.body["arn"],
        "PipelineName": found.name,
        "PipelineDisplayName": request.get("PipelineDisplayName") or found.name,
        "PipelineDescription": request.get("PipelineDescription"),
        "PipelineStatus": "Active",
        "RoleArn": request.get("RoleArn"),
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
    }


def _update(context: Context, request: Request) -> Answer:
    found = _find(context, request)
    changes: Answer = {"request": {**found.body["request"], **_stored_members(request), "PipelineName": found.name}}
    if request.get("PipelineDefinition") or request.get("PipelineDefinitionS3Location"):
        changes["definition"] = _definition(context, request)
    context.store.update(PIPELINE, context.region, found.name, **changes)
    return {"PipelineArn": found.body["arn"]}


def _delete(context: Context, request: Request) -> Answer:
    found = _find(context, request)
    context.store.delete(PIPELINE, context.region, found.name)
    return {"PipelineArn": found.body["arn"]}


def rows(context: Context) -> list[Answer]:
    """Every pipeline."""
    return [_row(found) for found in context.store.all(PIPELINE, context.region)]


def _list(context: Context, request: Request) -> Answer:
    prefix = str(request.get("PipelineNamePrefix") or "")
    found = [
        row
        for row in rows(context)
        if row["PipelineName"].startswith(prefix) and created_between(request, row["CreationTime"])
    ]
    keys = {"Name": "PipelineName", "CreationTime": "CreationTime"}
    return page(sorted_rows(found, request, keys, "CreationTime"), request, "PipelineSummaries")


def _executions(context: Context, request: Request) -> Answer:
    """An empty list: the embedded AWS does not execute stored pipelines."""
    _find(context, request)
    return {"PipelineExecutionSummaries": []}


HANDLERS: dict[str, Handler] = {
    "CreatePipeline": _create,
    "DescribePipeline": _describe,
    "UpdatePipeline": _update,
    "DeletePipeline": _delete,
    "ListPipelines": _list,
    "ListPipelineExecutions": _executions,
}
