"""IAM actions shared by entries of the step table, each with the ARN of its resource, or ``*``.

Source of actions and resource types: the Service Authorization Reference.  The resource is ``*`` for List operations
and for operations without a resource type.  A Create call with tags needs a second action (AddTags, TagResource).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..definition.model import Step
from .arns import Place, named
from .model import Grant, StepType


def sagemaker_grants(place: Place, operations: Iterable[str], resources: Iterable[str]) -> Iterator[Grant]:
    """Each of ``operations`` on each of ``resources`` (``model/m``); skips empty operations."""
    arns = [place.arn("sagemaker", resource) for resource in resources]
    for operation in operations:
        yield from ((f"sagemaker:{operation}", arn) for arn in arns if operation)


def names_of(step: Step, entry: StepType) -> list[str]:
    """``kind/name`` of the resources that the step creates."""
    return list(named(entry.kind, step.arguments.get(entry.name_key), entry.name_limit, verbatim=entry.verbatim))


def grants_by_name(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    """For a resource with a name of ours: its operations, reading its tags, its List operation and its log."""
    # The tags of an existing resource show its owner.
    operations = (entry.create, entry.describe, entry.stop, entry.extra, "AddTags", "ListTags")
    yield from sagemaker_grants(place, operations, names_of(step, entry))
    yield from listing_grants(entry)
    if entry.log_group:
        group = place.arn("logs", f"log-group:{entry.log_group}:*")
        yield from ((f"logs:{operation}", group) for operation in ("DescribeLogStreams", "GetLogEvents"))


def listing_grants(entry: StepType) -> Iterator[Grant]:
    """The List operation of the step type, if it has one."""
    if entry.listing:
        yield f"sagemaker:{entry.listing}", "*"


def target_grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    """For steps that call the target named by one of their keys."""
    target = entry.target
    arn = target.arn(place, step.settings.get(target.key)) if target is not None else ""
    if target is not None and arn:
        yield target.action, arn


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list; arguments come from the document, so they may have any form."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def member(value: object, key: str) -> Any:
    """The member of an object; ``None`` for anything else."""
    return value.get(key) if isinstance(value, Mapping) else None


def has(value: object, key: str) -> bool:
    """Whether the member exists, in PascalCase or in camelCase."""
    return any(member(value, first + key[1:]) for first in (key[0].upper(), key[0].lower()))
