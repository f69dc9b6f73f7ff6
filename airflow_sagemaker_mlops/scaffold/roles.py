"""The statements of the role that Airflow assumes, as CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..definition.model import Pipeline
from ..steps.arns import Place, packages
from ..steps.permissions import policy
from ..steps.policy_values import with_values

# Placeholders in the policy, and what CloudFormation replaces them with.
ACCOUNT, REGION, BUCKET = "123456789012", "us-east-1", "bucket-of-the-project"
STAND_INS = {
    BUCKET: "${Bucket}",
    f"arn:aws:iam::{ACCOUNT}:role/role-of-the-jobs": "${JobRole.Arn}",
    f":{REGION}:{ACCOUNT}:": ":${AWS::Region}:${AWS::AccountId}:",
    "arn:aws:s3:::*/": "arn:aws:s3:::${Bucket}/*",
    "arn:aws:": "arn:${AWS::Partition}:",
}


def statements(pipelines: Mapping[str, Pipeline], group: str) -> str:
    """What running ``pipelines`` requires: lines of YAML, one statement each.

    :param group: name or ARN of the model package group; the deployment is given versions of no other group
    """
    values = {"Bucket": BUCKET, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/role-of-the-jobs"}
    owns_its_data = all("Bucket" in {one.name for one in pipeline.parameters} for pipeline in pipelines.values())
    allowed: dict[str, set[str]] = {}
    for name, pipeline in pipelines.items():
        versions = packages(Place(ACCOUNT, REGION), group)[1] if name == "deploy" else ()
        for given in [{**values, "ModelPackageArn": version} for version in versions] or [values]:
            for resource, action, condition in _rows(policy(with_values(pipeline, given), ACCOUNT, REGION)):
                anywhere = resource == "*" and action.startswith("s3:") and owns_its_data
                narrowed = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"] if anywhere else resource
                allowed.setdefault(json.dumps([narrowed, condition]), set()).add(action)
    lines = ((*json.loads(key), actions) for key, actions in sorted(allowed.items()))
    return "\n".join(_line(resource, condition, actions) for resource, condition, actions in lines)


def _rows(document: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[str | list[str], str, object]]:
    for row in document["Statement"]:
        for action in row["Action"] if isinstance(row["Action"], list) else [row["Action"]]:
            yield row["Resource"], action, row.get("Condition")


def _line(resource: str | list[str], condition: object, actions: set[str]) -> str:
    resources = [resource] if isinstance(resource, str) else resource
    shown = ", ".join(_arn(one) for one in resources)
    more = "" if condition is None else f", Condition: {json.dumps(condition)}"
    return (
        f"- {{Effect: Allow, Action: [{', '.join(f'{one!r}' for one in sorted(actions))}], Resource: [{shown}]{more}}}"
    )


def _arn(text: str) -> str:
    for mark, value in STAND_INS.items():
        text = text.replace(mark, value)
    return f'!Sub "{text}"' if "${" in text else f'"{text}"'
