"""``check`` on definitions with values from other places: no traceback, the same for JSON and YAML, the right lines."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sagemaker_mlops.cli.check import problems_of

VALID = sorted((Path(__file__).parents[2] / "pipelines" / "valid").glob("*.json"))
TIMES = 25
ODD_KEYS = ("it's", "a b", "a.b", "ö", "[0]")
VALUES: list[Any] = [
    *(None, True, 0, 2.5, "", "x", [], {}, [[1]], {"a": {"Get": "Parameters.X"}}),
    *({"Get": "Steps.X.Y"}, {"Get": "Execution.TrainingJobName"}, {"Std:Join": {"Values": [None, 1]}}, {"Std:If": 1}),
]
PART = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['(.*?)'\](?=[.\[]|$)")
Path_ = tuple[str | int, ...]


def places(value: Any, path: Path_ = ()) -> list[Path_]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def at(value: Any, path: Path_) -> Any:
    for key in path:
        value = value[key]
    return value


def damaged(document: Any, chance: random.Random) -> Any:
    """A copy with a value from elsewhere, or with another key, at a random place."""
    copy = json.loads(json.dumps(document))
    below = places(copy)[1:]
    *above, key = chance.choice(below)
    owner = at(copy, tuple(above))
    other = json.loads(json.dumps(at(copy, chance.choice(below))))
    if isinstance(key, str) and chance.random() < 0.3:
        owner[chance.choice(ODD_KEYS)] = owner.pop(key)
    else:
        owner[key] = chance.choice([other, chance.choice(VALUES)])
    return copy


def as_yaml(value: Any) -> tuple[str, dict[Path_, set[int]]]:
    """Block style with one value a line, and the lines where the value at each place may begin."""
    lines: list[str] = []
    found: dict[Path_, set[int]] = {(): {1}}

    def write(value: Any, path: Path_, indent: str) -> None:
        items: Any = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            mark = f"{json.dumps(key)}:" if isinstance(key, str) else "-"
            nested = isinstance(item, dict | list) and bool(item)
            lines.append(f"{indent}{mark}" if nested else f"{indent}{mark} {json.dumps(item)}")
            found[(*path, key)] = {len(lines), len(lines) + nested}
            if nested:
                write(item, (*path, key), f"{indent}  ")

    write(value, (), "")
    return "\n".join(lines), found


def problems(text: str, name: str) -> list[Any]:
    source: Any = SimpleNamespace(content=text.encode(), name=name)
    return problems_of(source)


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_every_damage_is_reported_alike_in_json_and_yaml_and_at_its_line(file: Path) -> None:
    chance = random.Random(file.stem)
    for _ in range(TIMES):
        document = damaged(json.loads(file.read_text()), chance)
        text, lines = as_yaml(document)
        of_yaml = problems(text, "pipeline.yaml")
        of_json = problems(json.dumps(document), "pipeline.json")
        assert {(one.code, one.where, one.what) for one in of_yaml} == {(p.code, p.where, p.what) for p in of_json}
        for problem in of_yaml:
            parts = [int(i) if i else name or key for name, i, key in PART.findall(problem.where)]
            while tuple(parts) not in lines:  # a missing key has the place of its container
                parts.pop()
            assert problem.line in lines[tuple(parts)], (problem, text)
