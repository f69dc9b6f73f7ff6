"""A template of CloudFormation with its values, as far as the project's templates use the language."""

from __future__ import annotations

import functools
import re
from typing import Any

import yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Template(Loader):
    """CloudFormation's YAML: ``!Sub text`` becomes ``{"Sub": text}``."""


def tagged(loader: Any, tag: str, node: yaml.Node) -> object:
    """A short form of an intrinsic function."""
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode | yaml.MappingNode)
    return {tag: loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None}


Template.add_multi_constructor("!", tagged)


@functools.cache
def rules() -> Any:
    """The rules that ``cfn-lint`` checks by default; reading them takes longer than checking a template."""
    from cfnlint.core import get_rules

    return get_rules([], [], [])


def linted(template: str) -> list[str]:
    """What ``cfn-lint`` finds in a template."""
    from cfnlint.api import lint

    return [str(one) for one in lint(template, rules(), ["us-east-1"])]


def resolved(text: str, *, account: str, region: str, **parameters: str) -> dict[str, Any]:
    """The template with ``!Sub``, ``!Ref`` and ``!GetAtt X.Arn`` of buckets, queues and roles with a name resolved.

    Other functions stay as they are read.
    """
    template: dict[str, Any] = yaml.load(text, Template)
    values = {"AWS::Partition": "aws", "AWS::Region": region, "AWS::AccountId": account, **parameters}
    for name, one in template["Resources"].items():
        own = one.get("Properties") or {}
        if one["Type"] == "AWS::S3::Bucket" and "BucketName" in own:
            values[name] = _filled(own["BucketName"], values)
            values[f"{name}.Arn"] = f"arn:aws:s3:::{values[name]}"
        elif one["Type"] == "AWS::IAM::Role" and "RoleName" in own:
            values[name] = _filled(own["RoleName"], values)
            values[f"{name}.Arn"] = f"arn:aws:iam::{account}:role/{values[name]}"
    found: dict[str, Any] = _filled(template, values)
    return found


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if len(value) == 1:
            [(key, given)] = value.items()
            if key == "Sub" and isinstance(given, str):
                return re.sub(r"\$\{([\w:.]+)\}", lambda match: values.get(match[1], match[0]), given)
            if key in ("Ref", "GetAtt") and isinstance(given, str):
                return values.get(given, value)
        return {key: _filled(one, values) for key, one in value.items()}
    return [_filled(one, values) for one in value] if isinstance(value, list) else value
