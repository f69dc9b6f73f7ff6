"""Where a JSON object repeats a key; only read once a repetition is known to be there."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')


def second_use(text: str, key: str) -> tuple[int, int]:
    """Line and column of the second use of ``key`` in the first object that has it twice."""
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
                name = json.loads(last)
                if name == key and name in keys:
                    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
                keys.add(name)
        elif token != ",":
            last, start = token, match.start()
    return 1, 1
