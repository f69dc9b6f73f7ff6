"""Document place -> line and column, computed only when there is a problem to show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .load import is_yaml
from .places import key_text
from .problems import Problem

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_SIMPLE_KEY = re.compile(r"\['([A-Za-z_][A-Za-z0-9_:\-]*)'\]")
_LAST_PART = re.compile(r"(\.[^.\[\]]+|\[\d+\]|\['[^']*'\])$")


def locate(text: bytes | str, name: str, problems: Sequence[Problem]) -> list[Problem]:
    """``problems`` with line and column in ``text``; ``name`` says by its ending whether it is YAML.

    A place that is not in the text (a missing key) gets the position of what should hold it.
    """
    if not problems:
        return []
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    found = dict(_yaml_positions(decoded) if is_yaml(name, decoded) else _json_positions(decoded))
    return [_with_position(problem, found) for problem in problems]


def _with_position(problem: Problem, found: dict[str, tuple[int, int]]) -> Problem:
    if problem.line is not None:
        return problem
    where = _SIMPLE_KEY.sub(r".\1", problem.where.partition(" ")[0])
    while where not in found:
        shorter = _LAST_PART.sub("", where)
        if shorter == where:
            return problem
        where = shorter
    line, column = found[where]
    return replace(problem, line=line, column=column)


def _json_positions(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Place and position of every value of a JSON text, walked by tokens and without recursion."""
    stack: list[tuple[str, str | int | None]] = []  # (place of the container, key being read or next index)
    where = "$"
    line, line_start, last = 1, 0, 0
    for match in _JSON_TOKEN.finditer(text):
        token, start = match[0], match.start()
        breaks = text.count("\n", last, start)
        if breaks:
            line += breaks
            line_start = text.rfind("\n", 0, start) + 1
        last = start
        if token == ",":
            if stack and isinstance(stack[-1][1], int):
                stack[-1] = (stack[-1][0], stack[-1][1] + 1)
            elif stack:
                stack[-1] = (stack[-1][0], None)
        elif token == ":":
            continue
        elif token in "}]":
            if stack:
                stack.pop()
        else:
            if stack:
                base, key = stack[-1]
                if key is None and token.startswith('"'):  # an object's key
                    stack[-1] = (base, _unquote(token))
                    yield base + key_text(_unquote(token)), (line, start - line_start + 1)
                    continue
                where = base + key_text(key) if key is not None else base
            if not stack or isinstance(stack[-1][1], int):
                yield where, (line, start - line_start + 1)
            if token in "{[":
                stack.append((where, 0 if token == "[" else None))


def _unquote(token: str) -> str:
    import json

    try:
        return str(json.loads(token))
    except ValueError:
        return token[1:-1]


def _yaml_positions(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Place and position of every node of a YAML text."""
    from .yaml_source import compose

    try:
        root = compose(text)
    except ValueError:
        return
    stack: list[tuple[str, Any]] = [("$", root)]
    budget = 200_000  # nodes; aliases could make a small text endless
    while stack and budget:
        budget -= 1
        where, node = stack.pop()
        if node is None:
            continue
        yield where, (node.start_mark.line + 1, node.start_mark.column + 1)
        if node.id == "mapping":
            stack.extend((where + key_text(str(key.value)), value) for key, value in node.value)
        elif node.id == "sequence":
            stack.extend((f"{where}[{index}]", value) for index, value in enumerate(node.value))
