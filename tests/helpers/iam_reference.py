"""A second reading of IAM: what a call asks for, and whether a policy allows it.

Actions, resource types and ARN formats are the Service Authorization Reference's (``iam_actions.json``); calls are what
botocore was asked to send.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

REFERENCE = json.loads((Path(__file__).parent / "iam_actions.json").read_text())
ACTIONS: dict[str, dict[str, bool]] = REFERENCE["actions"]
RESOURCES: dict[str, str] = REFERENCE["resources"]
RENAMED = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
}
TAGGING = {"sagemaker": "AddTags", "elasticmapreduce": "AddTags"}  # the others call it TagResource
# What a call makes, and so tags, where that is not what it is asked about.
MADE = {
    "emr-serverless:StartJobRun": "jobRun",
    "bedrock:CreateCustomModelDeployment": "custom-model-deployment",
    "bedrock:CreateProvisionedModelThroughput": "provisioned-model",
}
# AWS: "iam:PassedToService"; the documentation of each service.
PRINCIPALS = {
    "sagemaker": "sagemaker.amazonaws.com",
    "elasticmapreduce": "elasticmapreduce.amazonaws.com",
    "emr-serverless": "emr-serverless.amazonaws.com",
    "bedrock": "bedrock.amazonaws.com",
}
ROLES = {"JobFlowRole": "ec2.amazonaws.com", "AutoScalingRole": "application-autoscaling.amazonaws.com"}
ROLE = re.compile(r"(role|execution_?role|validation_?role|service_?role|jobflow_?role|autoscaling_?role)(arn)?", re.I)
# Parts of ARNs that no member of the request is called like.
CALLED = {
    "QueueName": ("QueueUrl",),
    "BucketName": ("Bucket",),
    "ObjectName": ("Key",),
    "ClusterId": ("JobFlowId",),
    "WorkGroupName": ("WorkGroup",),
    "AutoMLJobJobName": ("AutoMLJobName",),
    "ModelPackageName": ("ModelPackageGroupName",),
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One permission; any of ``arns`` will do.  ``passed_to``: who is given the role."""

    action: str
    arns: tuple[str, ...]
    passed_to: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as botocore has it.

    service   the name that it signs with, which is IAM's as well
    before    members of calls before it: a query's work group is not in a request for its state
    """

    service: str
    operation: str
    members: Mapping[str, Any]
    before: Mapping[str, Any]

    def asks(self) -> Iterator[Ask]:
        """All that it takes."""
        action = f"{self.service}:{self.operation}"
        action = RENAMED.get(action, action)
        if "ResourceArn" in self.members:
            yield Ask(action, (self.members["ResourceArn"],))
            return
        types = ACTIONS[action]
        own = tuple(self._arn(kind) for kind, required in types.items() if required or not any(types.values()))
        yield from (Ask(action, (arn,)) for arn in own or ("*",))
        if any(self.members.get(key) for key in ("Tags", "tags", "modelTags", "jobTags", "importedModelTags")):
            tagging = f"{self.service}:{TAGGING.get(self.service, 'TagResource')}"
            made = (self._arn(MADE[action]),) if action in MADE else own
            yield Ask(tagging, made or tuple(self._arn(kind) for kind in ACTIONS[tagging]))
        for key, role in _roles(self.members):
            arn = role if role.startswith("arn:") else f"arn:aws:iam::123456789012:role/{role}"
            yield Ask("iam:PassRole", (arn,), ROLES.get(key, PRINCIPALS[self.service]))

    def _arn(self, kind: str) -> str:
        whole: list[str] = []

        def fill(match: re.Match[str]) -> str:
            key = match[1]
            spellings = (key, key[0].lower() + key[1:], *CALLED.get(key, ()))
            sources = (self.members, self.before)
            given = next((str(source[name]) for source in sources for name in spellings if source.get(name)), "any")
            if given.startswith("arn:"):
                whole.append(given)
            if key == "QueueName":
                given = given.rpartition("/")[2]
            return f"{given}/1" if key == "ModelPackageName" else given

        fixed = {"Partition": "aws", "Region": "us-east-1", "Account": "123456789012"}
        text = re.sub(
            r"\$\{(Partition|Region|Account)\}", lambda match: fixed[match[1]], RESOURCES[f"{self.service} {kind}"]
        )
        arn = re.sub(r"\$\{(\w+)\}", fill, text)
        # "Use the version with the trailing :* when specifying permissions": CloudWatch Logs on ARNs of log groups.
        return whole[0] if whole else f"{arn}:*" if kind == "log-group" else arn


def allows(policy: Mapping[str, Any], ask: Ask) -> bool:
    """Whether a statement has the action on one of the resources, for that service."""
    return any(
        fnmatchcase(ask.action, action) and fnmatchcase(arn, resource) and _meets(row, ask)
        for row in policy["Statement"]
        for action in _list(row["Action"])
        for resource in _list(row["Resource"])
        for arn in ask.arns
    )


def passed_to(policy: Mapping[str, Any]) -> set[str]:
    """The services that the policy lets roles be passed to."""
    rows = [row for row in policy["Statement"] if "iam:PassRole" in _list(row["Action"])]
    return {name for row in rows for name in _list(row["Condition"]["StringEquals"]["iam:PassedToService"])}


def _meets(row: Mapping[str, Any], ask: Ask) -> bool:
    condition = row.get("Condition")
    return condition is None or ask.passed_to in _list(condition["StringEquals"]["iam:PassedToService"])


def _roles(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str) and ROLE.fullmatch(key):
                yield key, item
            else:
                yield from _roles(item)
    elif isinstance(value, list):
        for item in value:
            yield from _roles(item)


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
