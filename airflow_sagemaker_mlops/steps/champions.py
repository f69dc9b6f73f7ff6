"""The champion of a model package group: read by one step, replaced by another; and a person who lets a version pass.

Sources: docs/language/steps/champions.md; the SageMaker API reference for ModelLifeCycle and UpdateModelPackage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..definition.model import Step
from ..definition.step_types import StepSyntax
from ..s3 import split_uri
from .arns import Place, packages
from .model import Answer, Grant, StepType

# What editors show about keys of several types.
_GROUP = "Name or ARN of the model package group."
_HISTORY = "S3 prefix of the champion history."
_VERSION = "ARN of the version."
_SENTENCE = "Why, for the registry and for people."
_READS = ("s3:GetObject", "s3:ListBucket")


def _reading(step: Step, place: Place) -> Iterator[Grant]:
    groups, versions = packages(place, step.arguments.get("ModelPackageGroupName"))
    yield "sagemaker:ListModelPackages", "*"
    yield from (("sagemaker:DescribeModelPackageGroup", arn) for arn in groups)
    yield from (("sagemaker:DescribeModelPackage", arn) for arn in versions)


def _history(step: Step, place: Place) -> Iterator[Grant]:
    given = step.arguments.get("HistoryS3Uri")
    if given is None:
        return
    bucket = split_uri(given)[0] if isinstance(given, str) else ""
    yield "s3:ListBucket", f"arn:{place.partition}:s3:::{bucket}" if bucket else "*"
    yield from ((action, place.below(given, "champions/*")) for action in ("s3:GetObject", "s3:PutObject"))


def _champion_grants(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    yield from _reading(step, place)
    yield from _history(step, place)
    yield from ((action, "*") for action in _READS)  # whether the model is there


def _promotion_grants(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    yield from _reading(step, place)
    yield from _history(step, place)
    _, versions = packages(place, step.arguments.get("ModelPackageGroupName"))
    yield from (("sagemaker:UpdateModelPackage", arn) for arn in versions)


CHAMPION = StepType(
    name="x-champion",
    runner=".champion.ChampionRunner",
    syntax=StepSyntax(
        arguments=frozenset({"ModelPackageGroupName", "HistoryS3Uri", "GroupMayBeMissing"}),
        argument_rules=True,
        in_body=False,
        properties={
            "Exists": "Boolean",
            "ModelPackageArn": "String",
            "ModelPackageVersion": "Integer",
            "ModelDataUrl": "String",
            "Stage": "String",
            "Baseline": "String",
            "DriftBaseline": "String",
        },
    ),
    words={
        "ModelPackageGroupName": _GROUP,
        "HistoryS3Uri": _HISTORY,
        "GroupMayBeMissing": "Whether a missing group counts as having no champion.",
    },
    about="the champion of a model package group: the version in Production, else the latest approved one",
    tagged=False,
    outside=True,
    own_arguments=True,
    grants=_champion_grants,
    too_wide="any object may be looked at; only the registry knows where the champion's model is.",
    roles_go_to="",
    local_aws="runs",
)

PROMOTE_CHAMPION = StepType(
    name="x-promote-champion",
    runner=".champion.PromoteChampionRunner",
    syntax=StepSyntax(
        arguments=frozenset({"ModelPackageGroupName", "ModelPackageArn", "Baseline", "HistoryS3Uri", "Sentence"}),
        argument_rules=True,
        in_body=False,
        properties={
            "ModelPackageArn": "String",
            "ModelPackageVersion": "Integer",
            "ReplacedModelPackageArn": "String",
            "Number": "Integer",
            "HistoryEntry": "String",
        },
    ),
    words={
        "ModelPackageGroupName": _GROUP,
        "HistoryS3Uri": _HISTORY,
        "ModelPackageArn": _VERSION,
        "Baseline": "Baseline of the x-champion step: the champion that the version was compared with.",
        "Sentence": _SENTENCE,
    },
    about="makes a version the champion, if the champion is still the one that it was compared with",
    tagged=False,
    outside=True,
    own_arguments=True,
    grants=_promotion_grants,
    roles_go_to="",
    local_aws="runs",
)


def _approval_grants(step: Step, _entry: StepType, place: Place) -> Iterator[Grant]:
    given, group = step.arguments.get("ModelPackageArn"), step.arguments.get("ModelPackageGroupName")
    arns = [given] if isinstance(given, str) and given.startswith("arn:") else packages(place, group)[1]
    for arn in arns:
        yield "sagemaker:DescribeModelPackage", arn
        yield "sagemaker:UpdateModelPackage", arn


def _approved(_request: Answer, _name: str) -> dict[str, Any]:
    return {"Approved": True, "Decision": "Approved", "DecidedBy": "stub", "DecidedAt": "", "Comment": ""}


APPROVAL = StepType(
    name="x-approval",
    runner=".approval.ApprovalRunner",
    syntax=StepSyntax(
        waits=True,
        arguments=frozenset(
            {
                "ModelPackageArn",
                "ModelPackageGroupName",
                "Sentence",
                "Subject",
                "AssignedUsers",
                "TimeoutInSeconds",
                "Default",
            }
        ),
        argument_rules=True,
        in_body=False,
        properties={
            "Approved": "Boolean",
            "Decision": "String",
            "DecidedBy": "String",
            "DecidedAt": "String",
            "Comment": "String",
        },
    ),
    words={
        "ModelPackageArn": _VERSION,
        "ModelPackageGroupName": "Name or ARN of the model package group that the version must belong to.",
        "Sentence": _SENTENCE,
        "Subject": "Subject of the request.",
        "AssignedUsers": "Airflow users who may answer.",
        "TimeoutInSeconds": "Time to answer.",
        "Default": "The decision if nobody answers in time.",
    },
    about="a person approves or rejects a version, in Airflow (3.1 and later) or in the registry",
    tagged=False,
    outside=True,
    own_arguments=True,
    stub=_approved,
    grants=_approval_grants,
    roles_go_to="",
    local_aws="waits for the registry, or `--approve` and `--reject`",
)

CHAMPIONS = (CHAMPION, PROMOTE_CHAMPION, APPROVAL)
