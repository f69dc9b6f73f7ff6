"""GetResources of the tagging API: adds the tagged SageMaker resources, which moto does not know, to moto's answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..json_types import AwsShape
from .api_call import ApiCall
from .moto_backend import Environ, Moto, Reply, hide_tags_of_sagemaker
from .store import Store

GET_RESOURCES = ApiCall("resourcegroupstaggingapi", "GetResources", "json")


def tagged_resources(moto: Moto, store: Store, region: str, environ: Environ, body: bytes) -> Reply:
    """moto's answer with our resources on its last page, regardless of the page size."""
    hide_tags_of_sagemaker()
    reply = moto.call(environ, body)
    if reply.status != 200:
        return reply
    answer = json.loads(reply.body)
    if not answer.get("PaginationToken"):
        answer["ResourceTagMappingList"] = [
            *answer["ResourceTagMappingList"],
            *_our_resources(store, region, json.loads(body or b"{}")),
        ]
    return Reply(200, reply.headers, json.dumps(answer).encode())


def _our_resources(store: Store, region: str, request: AwsShape) -> Iterator[dict[str, Any]]:
    for arn, tags in store.tagged().items():
        if arn.split(":")[2:4] == ["sagemaker", region] and _matches(arn, tags, request):
            yield {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _matches(arn: str, tags: Mapping[str, str], request: AwsShape) -> bool:
    kinds, arns = request.get("ResourceTypeFilters") or [], request.get("ResourceARNList") or []
    kind = "sagemaker:" + arn.split(":", 5)[5].partition("/")[0]
    return (
        (not kinds or kind in kinds or "sagemaker" in kinds)
        and (not arns or arn in arns)
        and all(
            item["Key"] in tags and (not item.get("Values") or tags[item["Key"]] in item["Values"])
            for item in request.get("TagFilters") or []
        )
    )
