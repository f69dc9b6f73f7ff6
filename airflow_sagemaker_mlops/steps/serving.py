"""Whether a model can serve, and whether an endpoint does: real records that are answered.

Source: docs/language/steps/serving.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..definition.model import Step
from ..definition.step_types import StepSyntax
from ..s3 import split_uri
from .arns import Place, spelled
from .iam import grants_by_name, member, sagemaker_grants
from .jobs import TRANSFORM
from .model import Grant, StepType

_EXPECT = "What every answer of the model has to be like."


def _reading(place: Place, uri: object) -> Iterator[Grant]:
    bucket, objects = "", "*"
    if isinstance(uri, str) and uri.startswith("s3://"):
        bucket, objects = split_uri(uri)[0], place.beginning(uri, whole=False)
    yield "s3:ListBucket", f"arn:{place.partition}:s3:::{bucket}" if bucket else "*"
    yield "s3:GetObject", objects


def _check_grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    yield from grants_by_name(step, entry, place)
    source = member(member(step.arguments.get("TransformInput"), "DataSource"), "S3DataSource")
    yield from _reading(place, member(source, "S3Uri"))
    yield from _reading(place, member(step.arguments.get("TransformOutput"), "S3OutputPath"))


def _smoke_grants(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    endpoint = step.arguments.get("EndpointName")
    names = spelled("endpoint", endpoint if isinstance(endpoint, str) and endpoint else "*")
    yield from sagemaker_grants(place, ("InvokeEndpoint",), names)
    yield from _reading(place, step.arguments.get("Records"))


def _made_up_answers(_request: object, _name: str) -> dict[str, Any]:
    return {"Records": 1, "Sentence": "A stub stands for the answers."}


SERVING_CHECK = replace(
    TRANSFORM,
    name="x-serving-check",
    runner=".serving.ServingCheckRunner",
    syntax=StepSyntax(
        waits=True,
        settings=frozenset({"Expect"}),
        object_settings=frozenset({"Expect"}),
        in_body=False,
        properties={"ModelName": "String", "Records": "Integer", "Sentence": "String"},
    ),
    words={"Expect": _EXPECT},
    about="a model's container answers real records in a transform job, before it gets traffic",
    settings=("Expect",),
    cache_key=(),
    stub=_made_up_answers,
    grants=_check_grants,
)

SMOKE_TEST = StepType(
    name="x-smoke-test",
    runner=".serving.SmokeTestRunner",
    syntax=StepSyntax(
        arguments=frozenset({"EndpointName", "Records", "ContentType", "Accept", "TargetVariant"}),
        argument_rules=True,
        settings=frozenset({"Expect"}),
        object_settings=frozenset({"Expect"}),
        in_body=False,
        properties={"EndpointName": "String", "Records": "Integer", "Sentence": "String"},
    ),
    words={
        "EndpointName": "Name of the endpoint.",
        "Records": "S3 URI of real records to send.",
        "ContentType": "Content type of the records; text/csv if absent.",
        "Accept": "Content type of the answers.",
        "TargetVariant": "The variant that is asked.",
        "Expect": _EXPECT,
    },
    about="an endpoint answers real records (`InvokeEndpoint`), after it was updated",
    tagged=False,
    outside=True,
    own_arguments=True,
    settings=("Expect",),
    stub=_made_up_answers,
    grants=_smoke_grants,
    roles_go_to="",
    local_aws="runs",
)

SERVING = (SERVING_CHECK, SMOKE_TEST)
