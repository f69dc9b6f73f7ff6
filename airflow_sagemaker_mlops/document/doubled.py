"""Where JSON objects repeat a key; only read once a repetition is known to be there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')


def second_uses(text: str) -> Iterator[tuple[str, int, int]]:
    """Every key of ``text`` that its object has already, with line and column."""
    open_objects: list[set[str] | None] = []
    last = ""
    start = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "{":
            open_objects.append(set())
        elif token == "[":
            open_objects.append(None)
        elif token in "}]":
            if open_objects:
                open_objects.pop()
        elif token == ":":
            keys = open_objects[-1] if open_objects else None
            if keys is not None:
                key = json.loads(last)
                if key in keys:
                    yield key, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
                keys.add(key)
        elif token != ",":
            last, start = token, match.start()
