"""Checks requests and answers against botocore's service models, so that this package contains no schema."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..json_types import AwsShape
from .errors import AwsError, invalid

if TYPE_CHECKING:
    from ..json_types import ModelShape

# {prefix of X-Amz-Target, the header of AWS's JSON protocol: boto3's name of the service}.
TARGETS = {
    "AmazonAthena": "athena",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "AWSEvents": "events",
    "AWSGlue": "glue",
    "AWSStepFunctions": "stepfunctions",
    "DynamoDB_20120810": "dynamodb",
    "Kinesis_20131202": "kinesis",
    "Logs_20140328": "logs",
    "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi",
    "SageMaker": "sagemaker",
    "secretsmanager": "secretsmanager",
    "TrentService": "kms",
}
# Error codes for an invalid request in services that do not use ValidationException.
REFUSED_AS = {
    "athena": "InvalidRequestException",
    "ecr": "InvalidParameterException",
    "glue": "InvalidInputException",
    "logs": "InvalidParameterException",
    "resourcegroupstaggingapi": "InvalidParameterException",
}
NOT_ENFORCED = re.compile(r"InstanceType$")  # AWS adds instance types faster than botocore is updated here


@functools.cache
def operation(service: str, name: str) -> Any:
    """botocore's model of an operation.  Raises ``KeyError`` if there is none."""
    from botocore.model import OperationNotFoundError

    try:
        return service_model(service).operation_model(name)
    except OperationNotFoundError:
        raise KeyError(name) from None


@functools.cache
def service_model(service: str) -> Any:
    """botocore's model of a service.  Raises ``UnknownServiceError`` if there is none."""
    import botocore.session

    return botocore.session.Session().get_service_model(service)


def validate(service: str, name: str, request: AwsShape) -> None:
    """Raise ``ValidationException`` with every violation of the operation's model in ``request``."""
    shape = operation(service, name).input_shape
    errors = list(_errors(request, shape, ""))
    if errors:
        count = f"{len(errors)} validation error{'s' if len(errors) > 1 else ''} detected: "
        raise invalid(count + "; ".join(errors))


def validate_passed_on(target: str, body: bytes) -> None:
    """:func:`validate` for a request that moto answers, because moto itself checks few patterns and lengths.

    :param target: the request's X-Amz-Target; a request without one (query and REST protocols) is left to moto.
    """
    prefix, _, name = target.rpartition(".")
    service = TARGETS.get(prefix)
    if service is None:
        return
    try:
        request = json.loads(body or b"{}")
        known = operation(service, name)
    except (KeyError, ValueError):  # moto has an error for it
        return
    if isinstance(request, Mapping) and known.input_shape is not None:
        try:
            validate(service, name, request)
        except AwsError as error:
            raise AwsError(REFUSED_AS.get(service, error.code), error.message) from None


def _errors(value: object, shape: ModelShape, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, Mapping):
            yield _failed(value, path, "Member must be an object")
            return
        for key in shape.required_members:
            if value.get(key) is None:
                yield _failed(None, _below(path, key), "Member must not be null")
        for key, item in value.items():
            if key in shape.members and item is not None:
                yield from _errors(item, shape.members[key], _below(path, key))
    elif kind == "list":
        if not isinstance(value, list):
            yield _failed(value, path, "Member must be a list")
            return
        yield from _limits(len(value), value, shape, path, "length")
        for index, item in enumerate(value):
            yield from _errors(item, shape.member, f"{path}.{index + 1}.member")
    elif kind == "map":
        if not isinstance(value, Mapping):
            yield _failed(value, path, "Member must be an object")
            return
        for key, item in value.items():
            yield from _errors(key, shape.key, f"{path}.key")
            yield from _errors(item, shape.value, f"{path}.{key}.member")
    elif kind == "string":
        yield from _string_errors(value, shape, path)
    elif kind in ("integer", "long", "float", "double"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield _failed(value, path, "Member must be a number")
            return
        yield from _limits(value, value, shape, path, "value")


def _string_errors(value: object, shape: ModelShape, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _failed(value, path, "Member must be a string")
        return
    yield from _limits(len(value), value, shape, path, "length")
    if shape.enum and value not in shape.enum and not NOT_ENFORCED.search(shape.name):
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _limits(size: float, value: object, shape: ModelShape, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < float(low):
        yield _failed(value, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and size > float(high):
        yield _failed(value, path, f"Member must have {what} less than or equal to {high}")


@functools.lru_cache(maxsize=2000)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:  # patterns are written for Java
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _below(path: str, key: str) -> str:
    name = key[0].lower() + key[1:]
    return f"{path}.{name}" if path else name


def _failed(value: object, path: str, rule: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown[:200]} at '{path}' failed to satisfy constraint: {rule}"


def prune(service: str, name: str, answer: AwsShape) -> dict[str, Any]:
    """``answer`` with only the members of the operation's output and without nulls, which AWS omits."""
    shape = operation(service, name).output_shape
    return dict(_pruned(answer, shape)) if shape is not None else {}


def _pruned(value: object, shape: ModelShape) -> Any:
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {
            key: _pruned(item, shape.members[key])
            for key, item in value.items()
            if key in shape.members and item is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_pruned(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _pruned(item, shape.value) for key, item in value.items() if item is not None}
    return value
