"""Reads the property document of a step's resource from AWS, in the document's spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..aws_errors import NOT_FOUND, error_code
from ..definition.expressions import parse_value
from ..steps.model import StepType
from ..steps.shapes import operation_output, with_capitals
from .aws.calls import as_json, call
from .aws.clients import Aws
from .scope import resolve

if TYPE_CHECKING:
    from ..json_types import AwsShape
    from .step_run import StepRun


async def properties_of(aws: Aws, entry: StepType, address: AwsShape) -> dict[str, Any]:
    """The properties of the resource at ``address``, as plain JSON.  Raises the errors of the call."""
    answer = as_json(await call(aws, entry.service, entry.describe, **address))
    if entry.camel:
        answer = with_capitals(answer, operation_output(entry.service, entry.describe))
    carried = {key: value for key, value in address.items() if key == "ClusterId"}  # missing in EMR's response
    return entry.properties({**answer, **carried})


def address_of(run: StepRun, name: str) -> dict[str, Any]:
    """Request members that identify the resource ``name`` for Describe and Stop."""
    entry = run.entry
    address: dict[str, Any] = {entry.describe_key or entry.name_key: name}
    for key in entry.also:
        address[key] = resolve(parse_value(run.spec.arguments.get(key), key), run.scope, key)
    return address


async def describe(run: StepRun, name: str) -> dict[str, Any] | None:
    """The properties of the resource ``name``, or ``None`` if it does not exist."""
    try:
        return await properties_of(run.aws, run.entry, address_of(run, name))
    except Exception as error:
        if error_code(error) in NOT_FOUND:
            return None
        raise
