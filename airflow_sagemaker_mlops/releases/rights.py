"""Permissions of a stage's identities: simulated by IAM if that is allowed, otherwise compared with the last release.

``SimulatePrincipalPolicy`` knows the identity's policies and boundaries, but not the resource policies of buckets and
model package groups in other accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..aws_errors import error_code
from ..definition.model import Pipeline
from ..registry.champion import Client
from ..s3 import split_uri
from ..stages.model import Stage
from ..steps.arns import Place, packages
from ..steps.permissions import policy
from ..steps.policy_values import with_values

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "NoSuchEntity", "403"})
_SESSION = re.compile(r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.*")
MAX_ACTIONS = 100  # per simulation


@dataclass(frozen=True, slots=True)
class Right:
    """An action on a resource, with the service that a role is passed to."""

    action: str
    resource: str
    passed_to: str = ""

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}{self.passed_to and f' to {self.passed_to}'}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The rights of one identity.

    principal   its ARN; empty if the configuration does not name it
    missing     the rights that IAM denies it
    unchecked   why IAM was not asked; empty if it was
    added       (not asked) rights that the last release did not need
    removed     (not asked) rights that are not needed any more
    """

    who: str
    principal: str
    missing: tuple[Right, ...] = ()
    unchecked: str = ""
    added: tuple[Right, ...] = ()
    removed: tuple[Right, ...] = ()


def rights_of(stage: Stage, pipelines: Mapping[str, Pipeline]) -> frozenset[Right]:
    """The rights that the steps of ``pipelines`` need in ``stage``, whose values have been put into them."""
    account, region = stage.account or "*", stage.region or "*"
    return frozenset(right for one in pipelines.values() for right in _rights(policy(one, account, region)))


def valued(pipeline: Pipeline, values: Mapping[str, object]) -> Pipeline:
    """``pipeline`` with the values and defaults of its parameters, as a run without ``conf`` has them."""
    defaults = {one.name: one.default for one in pipeline.parameters if one.default is not None}
    return with_values(pipeline, {**defaults, **values})


def deployer_rights(stage: Stage, releases: str, place: str) -> frozenset[Right]:
    """The rights that a deployment itself needs."""
    where = Place(stage.account or "*", stage.region or "*")
    bucket, prefix = split_uri(releases)
    objects = [f"{bucket}/{prefix}/*"]
    if place.startswith("s3://"):
        objects.append("/".join(split_uri(place)))
    found = {
        Right(action, f"arn:{where.partition}:s3:::{one}")
        for one in objects
        for action in ("s3:GetObject", "s3:PutObject")
    }
    found |= {
        Right("s3:ListBucket", f"arn:{where.partition}:s3:::{one}")
        for one in {one.partition("/")[0] for one in objects}
    }
    if stage.model_package_group is not None:  # whose champion the release records
        groups, versions = packages(where, stage.model_package_group)
        found.add(Right("sagemaker:ListModelPackages", "*"))
        found |= {Right("sagemaker:DescribeModelPackageGroup", one) for one in groups}
        found |= {Right("sagemaker:DescribeModelPackage", one) for one in versions}
    return frozenset(found)


def caller(client: Client) -> tuple[str, str]:
    """(account, ARN of the role or user) of the credentials."""
    answer = client("sts").get_caller_identity()
    arn = str(answer["Arn"])
    match = _SESSION.fullmatch(arn)
    if match is not None:
        arn = f"arn:{match['partition']}:iam::{match['account']}:role/{match['role']}"
    return str(answer["Account"]), arn


def check_rights(
    client: Client, who: str, principal: str, needed: frozenset[Right], before: frozenset[Right] | None
) -> Checked:
    """Ask IAM whether ``principal`` has the rights ``needed``.

    :param before: the rights that the last release needed, to compare with if IAM cannot be asked; ``None`` for unknown
    """
    if not principal:
        return _compared(who, "", "the configuration names no principal", needed, before)
    denied: list[Right] = []
    try:
        for resource, passed_to in sorted({(right.resource, right.passed_to) for right in needed}):
            actions = sorted(one.action for one in needed if (one.resource, one.passed_to) == (resource, passed_to))
            for action in _denied(client, principal, actions, resource, passed_to):
                denied.append(Right(action, resource, passed_to))
    except Exception as error:
        if error_code(error) not in _DENIED:
            raise
        return _compared(who, principal, f"IAM does not answer ({error_code(error)})", needed, before)
    return Checked(who, principal, tuple(sorted(denied, key=str)))


def _compared(who: str, principal: str, why: str, needed: frozenset[Right], before: frozenset[Right] | None) -> Checked:
    added, removed = needed - (before or frozenset()), (before or frozenset()) - needed
    return Checked(who, principal, (), why, tuple(sorted(added, key=str)), tuple(sorted(removed, key=str)))


def _denied(client: Client, principal: str, actions: list[str], resource: str, passed_to: str) -> Iterator[str]:
    iam = client("iam")
    context: dict[str, Any] = {}
    if passed_to:
        entry = {
            "ContextKeyName": "iam:PassedToService",
            "ContextKeyValues": [passed_to],
            "ContextKeyType": "string",
        }
        context = {"ContextEntries": [entry]}
    for start in range(0, len(actions), MAX_ACTIONS):
        part = actions[start : start + MAX_ACTIONS]
        members: dict[str, Any] = {
            "PolicySourceArn": principal,
            "ActionNames": part,
            "ResourceArns": [resource],
            **context,
        }
        while True:
            answer = iam.simulate_principal_policy(**members)
            for result in answer.get("EvaluationResults") or []:
                if result.get("EvalDecision") != "allowed":
                    yield str(result["EvalActionName"])
            if not answer.get("IsTruncated"):
                break
            members["Marker"] = answer["Marker"]


def _rights(document: Mapping[str, Any]) -> Iterator[Right]:
    for row in document["Statement"]:
        condition = row.get("Condition") or {}
        passed_to = str((condition.get("StringEquals") or {}).get("iam:PassedToService") or "")
        for action in _listed(row["Action"]):
            for resource in _listed(row["Resource"]):
                yield Right(action, resource, passed_to)


def _listed(value: object) -> Iterable[str]:
    return [value] if isinstance(value, str) else value if isinstance(value, list) else ()
