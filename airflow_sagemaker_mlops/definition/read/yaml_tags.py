"""The short tags of YAML definitions, and CloudFormation's: ``!Get Parameters.X`` -> ``{"Get": "Parameters.X"}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..expressions import NEWER, ROOTS
from ..problems import did_you_mean

Refuse = Callable[[str, str], Any]  # records a problem and its fix; returns a substitute for the value


def expand(tag: str, value: object, refuse: Refuse) -> Any:
    """Expand ``tag`` on ``value``, the text of a scalar, a list or a dict."""
    known = _TAGS.get(tag)
    if known is not None:
        return known(value, refuse)
    newer = NEWER.get(tag.removeprefix("!").casefold())
    if newer is not None:
        what = f'"{tag}" looks like {newer[0]}, which came with version {newer[1]} of the SageMaker SDK.'
        return refuse(
            what, f"Use one of: {', '.join(TAGS)}; for anything else, give the value to the run as a parameter."
        )
    hint = did_you_mean(tag, TAGS)
    fix = hint if hint.startswith("Did") else f"Use one of: {', '.join(TAGS)}."
    return refuse(f'there is no tag "{tag}".', fix)


def template_tag(tag: str, value: object) -> Any:
    """The long form of a CloudFormation short tag: ``!Sub x`` -> ``{"Fn::Sub": x}``."""
    name = tag.removeprefix("!")
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


def _get(value: object, refuse: Refuse) -> Any:
    if not isinstance(value, str):
        return refuse("!Get needs a path.", "Write !Get Parameters.Name.")
    root = value.partition(".")[0]
    if root not in ROOTS:  # without the tag, Get might be the user's own key; with it, the intent is clear
        what = f'"{value}" begins with the unknown root "{root}".' if root else "!Get has no path."
        return refuse(what, did_you_mean(root, ROOTS))
    return {"Get": value}


def _sub(value: object, refuse: Refuse) -> Any:
    if not isinstance(value, str):
        return refuse("!Sub needs a string.", 'Write !Sub "s3://${Parameters.Bucket}/x".')
    values: list[Any] = []
    literal: list[str] = []
    position = 0
    while (at := value.find("${", position)) >= 0:
        if at > position and value[at - 1] == "$":  # "$${" is a plain "${"
            literal.append(value[position : at - 1] + "${")
            position = at + 2
            continue
        end = value.find("}", at)
        if end < 0:
            shown = value[at : at + 40] + ("..." if len(value) > at + 40 else "")
            return refuse(f'"{shown}" in !Sub has no "}}".', 'Close it, or write "$${" for a plain "${".')
        literal.append(value[position:at])
        values += ["".join(literal), {"Get": value[at + 2 : end].strip()}]
        literal = []
        position = end + 1
    values.append("".join(literal) + value[position:])
    if len(values) == 1:
        return values[0]
    return {"Std:Join": {"On": "", "Values": [one for one in values if one != ""]}}


def _join(value: object, refuse: Refuse) -> Any:
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
        return refuse("!Join needs a separator and a list.", 'Write !Join ["/", [a, b]].')
    return {"Std:Join": {"On": value[0], "Values": value[1]}}


def _json_get(value: object, refuse: Refuse) -> Any:
    if not isinstance(value, dict):
        fix = "Write !JsonGet {PropertyFile: [Step, File], Path: a.b}."
        return refuse("!JsonGet needs an object with PropertyFile or S3Uri, and Path.", fix)
    file = value.get("PropertyFile")
    if isinstance(file, list) and len(file) == 2:
        return {"Std:JsonGet": {**value, "PropertyFile": {"Get": f"Steps.{file[0]}.PropertyFiles.{file[1]}"}}}
    if isinstance(file, str):
        return {"Std:JsonGet": {**value, "PropertyFile": {"Get": file}}}
    return {"Std:JsonGet": value}


_TAGS: dict[str, Callable[[Any, Refuse], Any]] = {"!Get": _get, "!Sub": _sub, "!Join": _join, "!JsonGet": _json_get}
TAGS = tuple(_TAGS)
