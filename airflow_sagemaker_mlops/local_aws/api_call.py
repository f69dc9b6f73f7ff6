"""The service, operation, protocol and members of a request, derived from botocore's models.

``X-Amz-Target`` (json), the path of RPC v2 (cbor) and ``Action`` (query, ec2) name the operation.  A request to a REST
service calls the operation whose method and path match best.
"""

from __future__ import annotations

import functools
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import parse_qs

from . import validation
from .moto_backend import Environ

Protocol = Literal["json", "cbor", "query", "ec2", "rest-json", "rest-xml"]
# Protocols whose requests name the operation.
NAMES_OPERATION: frozenset[Protocol] = frozenset({"json", "cbor", "query", "ec2"})

# Signing names that differ from botocore's service name or cover several services; only services served here.
SIGNING_NAMES = {
    "aoss": ("opensearchserverless",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "appconfig": ("appconfig", "appconfigdata"),
    "aidevops": ("devops-agent",),
    "aps": ("amp",),
    "aws-marketplace": ("meteringmarketplace",),
    "bedrock": (
        "bedrock",
        "bedrock-runtime",
        "bedrock-agent",
        "bedrock-agent-runtime",
        "bedrock-data-automation",
        "bedrock-data-automation-runtime",
    ),
    "bedrock-agentcore": ("bedrock-agentcore", "bedrock-agentcore-control"),
    "cloudhsm": ("cloudhsmv2",),
    "connect-campaigns": ("connectcampaigns",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "elasticmapreduce": ("emr",),
    "es": ("opensearch", "es"),
    "execute-api": ("apigatewaymanagementapi",),
    "iotdata": ("iot-data",),
    "kinesisanalytics": ("kinesisanalyticsv2",),
    "kinesisvideo": ("kinesisvideo", "kinesis-video-archived-media"),
    "lex": ("lexv2-models",),
    "mediastore": ("mediastore", "mediastore-data"),
    "mobiletargeting": ("pinpoint",),
    "monitoring": ("cloudwatch",),
    "s3": ("s3", "s3control"),
    "sagemaker": (
        "sagemaker",
        "sagemaker-runtime",
        "sagemaker-featurestore-runtime",
        "sagemaker-metrics",
        "sagemaker-edge",
        "sagemaker-a2i-runtime",
    ),
    "servicecatalog": ("servicecatalog", "servicecatalog-appregistry"),
    "servicequotas": ("service-quotas",),
    "ses": ("ses", "sesv2"),
    "sso": ("sso-admin",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
    "timestream": ("timestream-write", "timestream-query"),
}
_XML = frozenset({"s3", "s3control", "cloudfront", "route53"})
_RPC = re.compile(r"^/service/[^/]+/operation/(\w+)/?$")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """The operation that a request calls.

    service    botocore's service name
    operation  its name in the API reference, or the method and the first part of the path if no model has it
    """

    service: str
    operation: str
    protocol: Protocol


def parse_call(signed: str, environ: Environ, body: bytes) -> ApiCall:
    """The operation called by a request that is signed for the service ``signed``."""
    services = SIGNING_NAMES.get(signed, (signed,))
    header = str(environ.get("HTTP_X_AMZ_TARGET") or "")
    target = header.rpartition(".")[2] or header
    path = str(environ.get("PATH_INFO") or "/")
    if target:
        return ApiCall(_service_with(services, target), target, "json")
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor" and (match := _RPC.match(path)):
        return ApiCall(_service_with(services, match[1]), match[1], "cbor")
    action = _ACTION.search(body[:4000]) or _ACTION.search(str(environ.get("QUERY_STRING") or "").encode())
    if action and services[0] not in _XML:
        name = action[1].decode()
        return ApiCall(_service_with(services, name), name, "ec2" if services[0] == "ec2" else "query")
    protocol: Protocol = "rest-xml" if services[0] in _XML else "rest-json"
    rest = [service for service in services if _protocol(service).startswith("rest-")]
    method = str(environ["REQUEST_METHOD"])
    query = frozenset(parse_qs(str(environ.get("QUERY_STRING") or ""), keep_blank_values=True))
    if services[0] != "s3":  # moto answers all of S3, and its requests are too many to look up
        for service in rest:
            name = _rest_operation(service, method, path, query)
            if name:
                return ApiCall(service, name, protocol)
    if services[0] not in rest:
        protocol = _protocol(services[0])
    return ApiCall(services[0], f"{method}:{path.split('/')[1] if '/' in path else ''}", protocol)


def call_from_headers(signed: str, environ: Environ) -> ApiCall:
    """The operation of a request as far as its headers alone show it: enough to refuse it in its own protocol."""
    service = SIGNING_NAMES.get(signed, (signed,))[0]
    kind = str(environ.get("CONTENT_TYPE") or "")
    if environ.get("HTTP_X_AMZ_TARGET"):
        protocol: Protocol = "json"
    elif kind.startswith("application/x-www-form-urlencoded") and service not in _XML:
        protocol = "query"
    else:
        protocol = _protocol(service)
    return ApiCall(service or "?", f"{environ['REQUEST_METHOD']}:", protocol)


def _protocol(service: str) -> Protocol:
    """The protocol that botocore uses for a service."""
    if service not in _known_services():
        return "rest-xml"
    protocol = str(validation.service_model(service).metadata["protocol"])
    return "cbor" if protocol == "smithy-rpc-v2-cbor" else cast(Protocol, protocol)


def is_operation(call: ApiCall, environ: Environ) -> bool:
    """Whether botocore knows the operation that a request calls."""
    if call.service != "s3":
        return call.operation in _operation_names(call.service)
    # S3's requests are not looked up beforehand.  Operations on a bucket or on a key differ only in their query.
    query = frozenset(parse_qs(str(environ.get("QUERY_STRING") or ""), keep_blank_values=True))
    labels = min(2, len(str(environ.get("PATH_INFO") or "/").strip("/").split("/", 1)))
    routes = [route for route in _routes("s3") if route.path.groups == labels]
    named = query & frozenset().union(*(route.query for route in _routes("s3")))
    return any(named == route.query and route.method == environ["REQUEST_METHOD"] for route in routes)


def is_known(service: str) -> bool:
    """Whether botocore knows a service."""
    return service in _known_services()


@functools.cache
def _known_services() -> frozenset[str]:
    import botocore.session

    return frozenset(botocore.session.Session().get_available_services())


def _service_with(services: tuple[str, ...], operation: str) -> str:
    """The first of ``services`` that has an operation."""
    if len(services) == 1:
        return services[0]
    return next((service for service in services if operation in _operation_names(service)), services[0])


@functools.cache
def _operation_names(service: str) -> frozenset[str]:
    return frozenset(validation.service_model(service).operation_names) if service in _known_services() else frozenset()


@dataclass(frozen=True, slots=True)
class _Route:
    """The route of a REST operation; ``literal`` counts the characters of the path outside labels."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    literal: int
    labels: tuple[str, ...]


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    routes = []
    for name in _operation_names(service):
        http = validation.operation(service, name).http
        uri, _, query = str(http.get("requestUri") or "").partition("?")
        if not uri:
            continue
        parts = re.split(r"\{([^}]+)\}", uri.rstrip("/") or "/")
        last = len(parts) - 2  # the last label may hold an ARN with slashes
        pattern = "".join(
            re.escape(part) if number % 2 == 0 else ("(.+?)" if number == last else "([^/]+)")
            for number, part in enumerate(parts)
        )
        literal = sum(len(part) for part in parts[::2])
        required = frozenset(parse_qs(query, keep_blank_values=True))
        labels = tuple(part.rstrip("+") for part in parts[1::2])
        routes.append(_Route(name, str(http["method"]), re.compile(f"{pattern}/?"), required, literal, labels))
    return tuple(sorted(routes, key=lambda route: (-len(route.query), -route.literal, route.operation)))


def _rest_operation(service: str, method: str, path: str, query: frozenset[str]) -> str:
    matching = (
        route.operation
        for route in _routes(service)
        if route.method == method and route.query <= query and route.path.fullmatch(path)
    )
    return next(matching, "")


def members(call: ApiCall, environ: Environ, body: bytes) -> Mapping[str, Any]:
    """The members of a request by their names in the model, with the values that its protocol shows."""
    if call.protocol == "json":
        return _json(body)
    if call.protocol == "cbor":
        return _cbor(body)
    query = str(environ.get("QUERY_STRING") or "")
    if call.protocol in ("query", "ec2"):
        form = parse_qs(f"{body.decode('utf-8', 'replace')}&{query}")
        names = _wire_names(call)
        firsts = {name.partition(".")[0]: values[0] for name, values in form.items()}
        return {names.get(name, name): value for name, value in firsts.items() if name not in ("Action", "Version")}
    return dict(_rest_members(call, parse_qs(query, keep_blank_values=True), environ, body))


@functools.cache
def _wire_names(call: ApiCall) -> dict[str, str]:
    """{a member's name in the form body: its name in the model}."""
    try:
        shape = validation.operation(call.service, call.operation).input_shape
    except Exception:  # botocore knows no such operation
        return {}
    names = {}
    for name, member in (shape.members if shape is not None else {}).items():
        wire = str(member.serialization.get("name", name))
        names[
            str(
                member.serialization.get("queryName")
                or (wire[0].upper() + wire[1:] if call.protocol == "ec2" else wire)
            )
        ] = name
    return names


def _rest_members(
    call: ApiCall, query: Mapping[str, list[str]], environ: Environ, body: bytes
) -> Iterator[tuple[str, Any]]:
    try:
        shape = validation.operation(call.service, call.operation).input_shape
    except KeyError:
        return
    body_members = _json(body) if call.protocol == "rest-json" else {}
    labels = path_labels(call, environ)
    for name, member in (shape.members if shape is not None else {}).items():
        where, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if where == "querystring" and wire in query:
            yield name, query[wire] if member.type_name == "list" else query[wire][0]
        elif where == "uri" and wire in labels:
            yield name, labels[wire]
        elif where == "header" and f"HTTP_{wire.upper().replace('-', '_')}" in environ:
            yield name, environ[f"HTTP_{wire.upper().replace('-', '_')}"]
        elif where is None and wire in body_members:
            yield name, body_members[wire]


def path_labels(call: ApiCall, environ: Environ) -> dict[str, str]:
    """The values of the labels in the path of a REST request, e.g. ``{"EndpointName": "a"}``."""
    path = str(environ.get("PATH_INFO") or "/")
    route = next((route for route in _routes(call.service) if route.operation == call.operation), None)
    match = route.path.fullmatch(path) if route is not None else None
    return dict(zip(route.labels, match.groups(), strict=True)) if route is not None and match is not None else {}


def _json(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}


def _cbor(body: bytes) -> dict[str, Any]:
    from botocore.parsers import BaseCBORParser

    try:
        request = BaseCBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body)))
    except Exception:
        return {}
    return request if isinstance(request, dict) else {}
