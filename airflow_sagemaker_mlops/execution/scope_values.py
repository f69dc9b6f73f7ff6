"""The sources of a scope's values: parameters, execution variables and S3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..definition.values import parse_parameter
from ..plan.spec import StepSpec
from ..s3 import split_uri
from .aws.clients import Aws
from .aws.errors import is_transient, may_pass
from .exceptions import StepFailed
from .identity import StepIdentity, whole_seconds
from .scope import MAX_READ, Unreadable

if TYPE_CHECKING:
    from ..json_types import JsonObject

NO_ACCOUNT = "000000000000"  # avoids a call for the account number; no resources with these ARNs exist in AWS


def typed_parameters(step: str, spec: StepSpec, given: Mapping[str, object]) -> dict[str, Any]:
    """Typed values of the parameters that ``spec`` references, from the run's ``given`` values and the defaults.

    Raises :class:`StepFailed` for a value that does not have the declared type.
    """
    values: dict[str, Any] = {}
    for name, slot in spec.parameters.items():
        value = given.get(name, slot.default)
        if value is None:
            continue
        if value == "" == slot.default:
            values[name] = value  # refused as a given value, but allowed as a default
            continue
        try:
            values[name] = value if slot.type == "Any" else parse_parameter(value, slot.type, (), name)
        except ValueError as error:
            raise StepFailed(f'Step "{step}": {error}') from None
    return values


def experiment_block(spec: StepSpec) -> JsonObject:
    """The pipeline's experiment configuration in a step's ``spec``; empty for the SDK's default names."""
    return spec.experiment if isinstance(spec.experiment, Mapping) else {}


def execution_variables(identity: StepIdentity, region: str) -> dict[str, str]:
    """``Execution.*`` for this run.  ARNs have the service's format, but no such resources exist."""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if "-gov-" in region else "aws"
    pipeline = f"arn:{partition}:sagemaker:{region}:{NO_ACCOUNT}:pipeline/{identity.pipeline.lower()}"
    return {
        "PipelineName": identity.pipeline,
        "PipelineArn": pipeline,
        "PipelineExecutionId": identity.execution_id,
        "PipelineExecutionArn": f"{pipeline}/execution/{identity.execution_id}",
        "StartDateTime": whole_seconds(identity.run_started),
    }


def s3_reader(aws: Aws) -> Callable[[str], bytes]:
    """A function that reads an S3 URI, with sentences for permanent errors."""

    def read(uri: str) -> bytes:
        bucket, key = split_uri(uri)
        if not uri.startswith("s3://") or not bucket or not key:
            raise Unreadable(f'"{uri}" is not the S3 URI of an object')
        try:
            content = bytes(aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(MAX_READ + 1))
        except Exception as error:
            if is_transient(error) or may_pass(error):
                raise  # a running job must not be abandoned because of it
            code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
            known = {"NoSuchKey": "there is no such object", "NoSuchBucket": "there is no such bucket"}
            words = f"received an error while reading {uri}: {known.get(code, str(error))} ({code})"
            raise Unreadable(words) from error
        if len(content) > MAX_READ:
            raise Unreadable(f"{uri} is larger than {MAX_READ} bytes")
        return content

    return read
