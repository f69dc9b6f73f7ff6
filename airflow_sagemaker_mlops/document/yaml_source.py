"""YAML definitions: the same document with CloudFormation-style short tags.

``!Get Parameters.X``, ``!Sub "s3://${Parameters.Bucket}/x"``, ``!Join [sep, [values]]``,
``!JsonGet {PropertyFile: [Step, File], Path: a.b}``.  The long forms are plain mappings and need no tag.

Scalars follow YAML 1.2's core schema: ``yes``, ``on``, ``012`` and ``2024-01-01`` are strings.
Duplicate keys and tags that cannot be read are errors, told together with what else is wrong.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from .expressions import ROOTS
from .problems import Problem, did_you_mean, key_twice

TAGS = ("!Get", "!Sub", "!Join", "!JsonGet")
MOST_NODES = 500_000  # after aliases are followed; a definition of 1 MB has about 60,000
UNREAD = {"Std:JsonGet": {"S3Uri": "", "Path": "unread"}}  # of any type, so that nothing more is said of it
_SUB = re.compile(r"\$(\$\{)|\$\{([^}]*)\}")

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to say it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: dict[Problem, None] = {}  # in order and once, also when a mapping is merged into several

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        del deep
        if node.id != "mapping":
            raise yaml.constructor.ConstructorError(None, None, "a mapping is wanted here", node.start_mark)
        seen: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                sources = value_node.value if value_node.id == "sequence" else [value_node]
                for source in reversed(sources):
                    merged.update(self.construct_mapping(source))
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                key = str(key_node.value)
            if key in seen:
                mark = key_node.start_mark
                self.problems[key_twice(key, mark.line + 1, mark.column + 1)] = None
            seen[key] = self.construct_object(value_node, deep=True)
        return {**merged, **seen}

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # PyYAML's own do not say where
            kind = node.tag.rpartition(":")[2]
            shown = f'"{node.value}"' if node.id == "scalar" and len(node.value) <= 60 else "this"
            what = f"{shown} cannot be read as {kind}"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark) from None

    def refused(self, node: Any, what: str, fix: str) -> dict[str, Any]:
        """Keep what is wrong with the tag of ``node``; what stands for its value meanwhile."""
        mark = node.start_mark
        self.problems[Problem("SM110", "$", what, fix, line=mark.line + 1, column=mark.column + 1)] = None
        return UNREAD


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), "-+0123456789")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
    "-+.0123456789",
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), "<")


class YamlRefused(ValueError):
    """A YAML text that cannot be used; ``problem`` has its position."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def _get(loader: Any, node: Any) -> Any:
    if node.id != "scalar":
        return loader.refused(node, "!Get takes a path.", "Write !Get Parameters.Name.")
    root = str(node.value).partition(".")[0]
    if root not in ROOTS:  # elsewhere it may be a user's own key; the tag says what is meant
        what = f'"{node.value}" begins with "{root}", which nothing can be got from.' if root else "!Get names nothing."
        return loader.refused(node, what, did_you_mean(root, ROOTS))
    return {"Get": str(node.value)}


def _sub(loader: Any, node: Any) -> Any:
    if node.id != "scalar":
        return loader.refused(node, "!Sub takes a string.", 'Write !Sub "s3://${Parameters.Bucket}/x".')
    values: list[Any] = []
    text, end = "", 0
    for match in _SUB.finditer(node.value):
        text += node.value[end : match.start()]
        end = match.end()
        if match[1]:
            text += "${"
            continue
        if text:
            values.append(text)
        text = ""
        values.append({"Get": match[2].strip()})
    text += node.value[end:]
    if text:
        values.append(text)
    if all(isinstance(value, str) for value in values):
        return "".join(values)
    return {"Std:Join": {"On": "", "Values": values}}


def _join(loader: Any, node: Any) -> Any:
    value = loader.construct_sequence(node, deep=True) if node.id == "sequence" else None
    if value is None or len(value) != 2 or not isinstance(value[1], list):
        return loader.refused(node, "!Join takes a separator and a list.", 'Write !Join ["/", [a, b]].')
    return {"Std:Join": {"On": value[0], "Values": value[1]}}


def _json_get(loader: Any, node: Any) -> Any:
    if node.id != "mapping":
        fix = "Write !JsonGet {PropertyFile: [Step, File], Path: a.b}."
        return loader.refused(node, "!JsonGet takes an object with PropertyFile or S3Uri, and Path.", fix)
    body = loader.construct_mapping(node, deep=True)
    file = body.get("PropertyFile")
    if isinstance(file, list) and len(file) == 2:
        body["PropertyFile"] = {"Get": f"Steps.{file[0]}.PropertyFiles.{file[1]}"}
    elif isinstance(file, str):
        body["PropertyFile"] = {"Get": file}
    return {"Std:JsonGet": body}


def _no_json(loader: Any, node: Any) -> Any:
    tag = node.tag.rpartition(":")[2]
    return loader.refused(node, f'"!!{tag}" is of a type that JSON does not have.', "Write it as a string, or a list.")


def _unknown(loader: Any, suffix: str, node: Any) -> Any:
    hint = did_you_mean(f"!{suffix}", TAGS)
    fix = hint if hint.startswith("Did") else f"Use one of: {', '.join(TAGS)}."
    return loader.refused(node, f'there is no tag "!{suffix}".', fix)


_Loader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))
for _kind in ("binary", "timestamp", "omap", "pairs", "set"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _no_json)
_Loader.add_constructor("!Get", _get)
_Loader.add_constructor("!Sub", _sub)
_Loader.add_constructor("!Join", _join)
_Loader.add_constructor("!JsonGet", _json_get)
_Loader.add_multi_constructor("!", _unknown)


def load_yaml(text: str) -> tuple[Any, tuple[Problem, ...]]:
    """The document in ``text``, tags expanded, and its repeated keys and wrong tags.  Raises :class:`YamlRefused`."""
    try:
        loader = _Loader(text)
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        what = f"this is not YAML: {error.problem or error.context}."
        raise YamlRefused(Problem("SM101", "$", what, line=line, column=column)) from None
    except yaml.YAMLError as error:
        raise YamlRefused(Problem("SM101", "$", f"this is not YAML: {' '.join(str(error).split())}.")) from None
    except RecursionError:
        raise YamlRefused(Problem("SM105", "$", "the document is nested too deeply.")) from None
    if _size(value) > MOST_NODES:
        what = f"the document has more than {MOST_NODES} values once its aliases are followed."
        raise YamlRefused(Problem("SM105", "$", what))
    return value, tuple(loader.problems)


def compose(text: str) -> Any:
    """The node tree of ``text``, for positions.  Raises ``ValueError`` when it is not YAML."""
    try:
        return yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _size(root: Any) -> int:
    """Number of values in ``root`` with aliases followed, without following any twice.

    Values are visited children first; an anchor inside itself cannot come out of a constructed document of ours
    without having been refused, and would count as endless.
    """
    sizes: dict[int, int] = {}
    open_now: set[int] = set()
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        value, done = stack.pop()
        if not isinstance(value, dict | list):
            continue
        children = list(value.values()) if isinstance(value, dict) else value
        if done:
            sizes[id(value)] = 1 + sum(sizes.get(id(child), 1) for child in children)
            open_now.discard(id(value))
        elif id(value) in open_now:
            return MOST_NODES + 1
        elif id(value) not in sizes:
            open_now.add(id(value))
            stack.append((value, True))
            stack.extend((child, False) for child in children)
    return sizes.get(id(root), 1)
