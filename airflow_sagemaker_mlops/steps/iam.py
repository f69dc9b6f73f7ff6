"""IAM actions that entries of the step table have in common: each with the ARN of the resource it is on, or ``*``.

Source of actions and of their resource types: the Service Authorization Reference; where an operation has no resource
type, or lists, the resource is ``*``.  A Create call with tags takes a second action (AddTags, TagResource).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..definition.model import Step
from .arns import Place, named
from .model import Grant, StepType


def sagemaker_grants(place: Place, operations: Iterable[str], resources: Iterable[str]) -> Iterator[Grant]:
    """Each of ``operations`` on each of ``resources`` (``model/m``); empty operations are left out."""
    arns = [place.arn("sagemaker", resource) for resource in resources]
    for operation in operations:
        yield from ((f"sagemaker:{operation}", arn) for arn in arns if operation)


def names_of(step: Step, entry: StepType) -> list[str]:
    """``kind/name`` of what the step makes."""
    return list(named(entry.kind, step.arguments.get(entry.name_key), entry.name_limit, verbatim=entry.verbatim))


def grants_by_name(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    """For what is made under a name of ours: its own operations, a look at whose it is, its listing and its log."""
    # Whose a resource is that exists already, its tags tell.
    operations = (entry.create, entry.describe, entry.stop, entry.extra, "AddTags", "ListTags")
    yield from sagemaker_grants(place, operations, names_of(step, entry))
    yield from listing_grants(entry)
    if entry.log_group:
        group = place.arn("logs", f"log-group:{entry.log_group}:*")
        yield from ((f"logs:{operation}", group) for operation in ("DescribeLogStreams", "GetLogEvents"))


def listing_grants(entry: StepType) -> Iterator[Grant]:
    """The List operation of the step type, where it has one."""
    if entry.listing:
        yield f"sagemaker:{entry.listing}", "*"


def target_grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    """For steps that call what one of their keys names."""
    target = entry.target
    arn = target.arn(place, step.settings.get(target.key)) if target is not None else ""
    if target is not None and arn:
        yield target.action, arn


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; arguments are as the document has them, and may be of any form."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def member(value: Any, key: str) -> Any:
    """The member of an object; ``None`` of anything else."""
    return value.get(key) if isinstance(value, Mapping) else None


def has(value: Any, key: str) -> bool:
    """Whether the member is there, in AWS's spelling or in that of an API with small first letters."""
    return any(member(value, first + key[1:]) for first in (key[0].upper(), key[0].lower()))
