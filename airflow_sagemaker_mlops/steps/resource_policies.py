"""Policies that another account attaches to its model package groups, so that a pipeline can register and read there.

A group of another account needs both: the policy of the caller, and a resource policy of the group
(``PutModelPackageGroupPolicy``).  Source: the SageMaker guide on registering and deploying a model version from a
different account, which also names what cannot be seen here: the bucket and the key of the models, and the repository
of the image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..definition.model import Pipeline
from .arns import GROUP
from .catalogue import STEP_TYPES

_GROUP_ARN = re.compile(
    r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:(?P<account>\d{12}):model-package-group/(?P<name>[A-Za-z0-9-]{1,63})"
)
ON_GROUP = ("sagemaker:DescribeModelPackageGroup", "sagemaker:CreateModelPackage", "sagemaker:ListModelPackages")
ON_VERSIONS = (
    "sagemaker:CreateModelPackage",
    "sagemaker:DescribeModelPackage",
    "sagemaker:ListModelPackages",
    "sagemaker:UpdateModelPackage",
    "sagemaker:CreateModel",
)


def foreign_groups(pipeline: Pipeline, account: str) -> list[str]:
    """ARNs of the model package groups in ``pipeline`` that are not of ``account``, in order; ``*`` for any account."""
    found: dict[str, None] = {}
    for step in pipeline.steps:
        if step.type in STEP_TYPES:
            for value in _texts(step.arguments, step.settings):
                match = _GROUP_ARN.fullmatch(value)
                if match is not None and match["account"] != account:
                    found[value] = None
    return list(found)


def group_policy(group: str, account: str, principal: str = "") -> dict[str, Any]:
    """The resource policy of ``group`` (ARN) that lets ``principal`` use it.

    :param account: the account of the pipeline, which is allowed if no ``principal`` is known; ``*`` becomes a
        placeholder, because a policy for everybody is never meant
    """
    partition = group.split(":")[1]
    known = account if account != "*" else "ACCOUNT"
    who = {"AWS": principal or f"arn:{partition}:iam::{known}:root"}
    versions = f"{group.replace(GROUP, ':model-package/')}/*"
    rows = (("Group", ON_GROUP, group), ("Versions", ON_VERSIONS, versions))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Principal": who, "Action": list(actions), "Resource": resource}
            for sid, actions, resource in rows
        ],
    }


def _texts(*values: object) -> list[str]:
    """All strings in ``values``, at any depth."""
    found: list[str] = []
    stack = list(reversed(values))
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list | tuple):
            stack.extend(reversed(value))
        elif isinstance(value, Mapping):
            stack.extend(reversed(list(value.values())))
    return found
