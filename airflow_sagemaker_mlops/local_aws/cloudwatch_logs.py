"""FilterLogEvents as AWS answers it, built on moto's: adds prefixes of stream names and ARNs of groups."""

from __future__ import annotations

import json
from typing import Any

from .api_call import ApiCall
from .errors import AwsError
from .moto_backend import Environ, Moto, Reply

FILTER = ApiCall("logs", "FilterLogEvents", "json")
_PREFIX = "logStreamNamePrefix"


def filtered_events(moto: Moto, environ: Environ, body: bytes) -> Reply:
    """The answer to FilterLogEvents; sorts the events of several streams by time."""
    request = json.loads(body or b"{}")
    identifier = str(request.pop("logGroupIdentifier", None) or request.get("logGroupName") or "")
    request["logGroupName"] = identifier.rpartition(":log-group:")[2].removesuffix(":*")
    request["interleaved"] = True
    if request.get(_PREFIX):
        if request.get("logStreamNames"):
            message = "LogStreamNamePrefix and LogStreamNames cannot be used together."
            raise AwsError("InvalidParameterException", message)
        found = _streams(moto, environ, request["logGroupName"], str(request.pop(_PREFIX)))
        if isinstance(found, Reply):
            return found
        if not found:
            empty: dict[str, Any] = {"events": [], "searchedLogStreams": []}
            return Reply(200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(empty).encode())
        request["logStreamNames"] = found
    return moto.call(environ, json.dumps(request).encode())


def _streams(moto: Moto, environ: Environ, group: str, prefix: str) -> list[str] | Reply:
    """The names of a group's streams that begin with ``prefix``, or moto's error reply."""
    list_environ = {**environ, "HTTP_X_AMZ_TARGET": "Logs_20140328.DescribeLogStreams"}
    request: dict[str, Any] = {"logGroupName": group, _PREFIX: prefix, "orderBy": "LogStreamName"}
    names: list[str] = []
    while True:
        reply = moto.call(list_environ, json.dumps(request).encode())
        if reply.status != 200:
            return reply
        answer = json.loads(reply.body)
        names += [stream["logStreamName"] for stream in answer["logStreams"]]
        if not answer.get("nextToken"):
            return names
        request["nextToken"] = answer["nextToken"]
