"""Document place -> line and column, computed only if there is a problem to show.

Only the containers on the way to a problem are visited, so a long key costs nothing at each of its children.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..problems import Problem, key_text
from .strict_json import is_yaml

_JSON_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_PART = re.compile(r"\.[^.\[\]]+|\[\d+\]|\['.*?'\](?=[.\[]|$)", re.DOTALL)  # a key may contain quotation marks
_SIMPLE_KEY = re.compile(r"\['([A-Za-z_][A-Za-z0-9_:\-]*)'\]")


@dataclass(slots=True)
class _Wanted:
    """A place with a problem at or below it; ``found`` is its line and column."""

    below: dict[str, _Wanted] = field(default_factory=dict)
    found: tuple[int, int] | None = None


def locate(text: bytes | str, name: str, problems: Sequence[Problem], index: int = 0) -> list[Problem]:
    """``problems`` with line and column in ``text``; the file extension of ``name`` tells whether it is YAML.

    A place that is not in the text (a missing key) gets the position of its container.
    index   index of the document in a YAML stream
    """
    if not problems:
        return []
    root = _Wanted()
    for problem in problems:
        if problem.line is None:
            node = root
            for part in _parts(problem.where):
                node = node.below.setdefault(part, _Wanted())
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    (_find_yaml if is_yaml(name, decoded) else _find_json)(decoded, root, index)
    return [_with_position(problem, root) for problem in problems]


def _parts(where: str) -> list[str]:
    return _PART.findall(_SIMPLE_KEY.sub(r".\1", where))


def _with_position(problem: Problem, root: _Wanted) -> Problem:
    if problem.line is not None:
        return problem
    node, found = root, root.found
    for part in _parts(problem.where):
        node = node.below[part]
        if node.found is None:
            break
        found = node.found
    return problem if found is None else replace(problem, line=found[0], column=found[1])


def _find_json(text: str, root: _Wanted, index: int = 0) -> None:
    """Fill in the positions of the wanted values of a JSON text, reading tokens, without recursion.

    The position of a value in an object is that of its key.
    """
    del index
    # (the container if it is on the way to a problem, key whose value comes next or index of the next item)
    stack: list[tuple[_Wanted | None, str | int | None]] = []
    line, line_start, last = 1, 0, 0
    for match in _JSON_TOKEN.finditer(text):
        token, start = match[0], match.start()
        breaks = text.count("\n", last, start)
        if breaks:
            line += breaks
            line_start = text.rfind("\n", 0, start) + 1
        last = start
        if token == ",":
            if stack:
                owner, key = stack[-1]
                stack[-1] = (owner, key + 1 if isinstance(key, int) else None)
            continue
        if token == ":":
            continue
        if token in "}]":
            if stack:
                stack.pop()
            continue
        owner, key = stack[-1] if stack else (None, 0)
        node: _Wanted | None = root
        if stack and key is None and token.startswith('"'):  # an object's key
            name = _unquote(token) if owner is not None else ""
            stack[-1] = (owner, name)
            node = owner.below.get(key_text(name)) if owner is not None else None
            if node is not None:  # the last of two equal keys counts
                node.found = (line, start - line_start + 1)
            continue
        if stack:
            node = owner.below.get(key_text(key)) if owner is not None and key is not None else None
        if node is not None and not isinstance(key, str):
            node.found = (line, start - line_start + 1)
        if token in "{[":
            stack.append((node if node is not None and node.below else None, 0 if token == "[" else None))


def _unquote(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token[1:-1]


def _find_yaml(text: str, root: _Wanted, index: int) -> None:
    """Fill in the positions of the wanted nodes of a YAML text."""
    from .yaml_source import compose

    try:
        composed = compose(text, index)
    except ValueError:
        return
    stack: list[tuple[_Wanted, Any]] = [(root, composed)]
    while stack:
        wanted, node = stack.pop()
        if node is None:
            continue
        wanted.found = (node.start_mark.line + 1, node.start_mark.column + 1)
        if not wanted.below:
            continue
        if node.id == "mapping":
            pairs: Any = ((str(key.value), value) for key, value in node.value)
        elif node.id == "sequence":
            pairs = enumerate(node.value)
        else:
            continue
        for key, value in pairs:
            below = wanted.below.get(key_text(key))
            if below is not None:
                stack.append((below, value))
