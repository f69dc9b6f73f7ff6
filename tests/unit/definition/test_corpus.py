"""Definitions that others wrote."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_sagemaker_mlops.cli import check
from airflow_sagemaker_mlops.cli.sources import Source
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.problems import PipelineError, Problem
from airflow_sagemaker_mlops.definition.step_types import SUPPORTED
from airflow_sagemaker_mlops.plan import make_plan

# Refused, and rightly; all but three are marked as suspect in the corpus' own index.
REFUSED = {
    "SM204": "get:parameter that is not declared",
    "SM205": "get:step that does not exist",
    "SM202": "name:used twice",
    "SM203": "graph:cycle",
}
REFUSED_BY_US = {
    # The SDK's own test of this document asserts that it is refused.
    "sdk2.test_steps.test_pipeline_dag_json_get_undefined_property_file.json": "SM208",
    # A JsonGet on a Training step, which has no property files.
    "sdk2.test_entities.test_pipeline_variable_in_pipeline_definition.json": "SM208",
    # The test's name says it: nothing may depend on a Fail step.
    "sdk2.integ-test_fail_steps.test_invalid_pipeline_depended_on_fail_step.json": "SM206",
}


def files_and_marks(corpus: Path) -> Iterator[tuple[Path, str]]:
    for line in (corpus / "INDEX.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) >= 8 and cells[1].endswith(".json"):
            yield corpus / cells[1], cells[6]


def types_in(document: Any) -> set[str]:
    found: set[str] = set()
    stack = list(document["Steps"])
    while stack:
        step = stack.pop()
        found.add(step["Type"])
        arguments = step.get("Arguments")
        for key in ("IfSteps", "ElseSteps", "ForEachBody") if isinstance(arguments, dict) else ():
            stack.extend(arguments.get(key) or [])
    return found


def test_every_real_definition_is_planned_or_refused_for_a_true_reason(corpus: Path) -> None:
    wrong = []
    planned = 0
    for file, marks in files_and_marks(corpus):
        assert types_in(json.loads(file.read_text())) <= SUPPORTED, file.name
        expected = {code for code, mark in REFUSED.items() if mark in marks}
        expected |= {REFUSED_BY_US[file.name]} if file.name in REFUSED_BY_US else set()
        try:
            make_plan(load_pipeline(file))
            found: set[str] = set()
            planned += 1
        except PipelineError as error:
            found = {problem.code for problem in error.problems}
        if found != expected:
            wrong.append((file.name, sorted(found), sorted(expected)))
    assert wrong == []
    assert planned == 189


VALUES: list[Any] = [
    None,
    7,
    "x",
    "{{ x }}",
    [],
    {},
    ["x"],
    {"a": 1},
    True,
    {"Get": "Steps.A.B"},
    {"Std:Join": 1},
    "__class__",
    -1.5,
]


def damaged(corpus: Path, chance: random.Random, number: int) -> Iterator[Any]:
    """Definitions of the corpus in which one to three values are others."""
    files = sorted(corpus.glob("*.json"))
    for _ in range(number):
        document = json.loads(chance.choice(files).read_text())
        for _ in range(chance.randint(1, 3)):
            place, key = chance.choice(list(slots(document)))
            place[key] = copy.deepcopy(chance.choice(VALUES))
        yield document


def test_damaged_definitions_give_problems_and_never_a_traceback(corpus: Path) -> None:
    for document in damaged(corpus, random.Random(7), 1500):
        assert all(problem.what and problem.code for problem in problems_of(document))


def test_damaged_definitions_are_checked_with_their_requests(corpus: Path, tmp_path: Path) -> None:
    for number, document in enumerate(damaged(corpus, random.Random(11), 300)):
        file = tmp_path / f"damaged-{number}.json"
        file.write_text(json.dumps(document))
        assert all(problem.what and problem.code for problem in check.problems_of(Source(str(file))))


def problems_of(source: Any) -> tuple[Problem, ...]:
    try:
        make_plan(load_pipeline(source, name="damaged.json"))
    except PipelineError as error:
        return error.problems
    return ()


def slots(document: Any) -> Iterator[tuple[Any, Any]]:
    stack = [document]
    while stack:
        item = stack.pop()
        pairs = item.items() if isinstance(item, dict) else enumerate(item)
        for key, value in pairs:
            yield item, key
            if isinstance(value, dict | list):
                stack.append(value)


def test_truncated_text_gives_problems_and_never_a_traceback(corpus: Path) -> None:
    chance = random.Random(3)
    for file in sorted(corpus.glob("*.json"))[:60]:
        text = file.read_text()
        cut = text[: chance.randrange(1, len(text) - 2)]
        assert {problem.code for problem in problems_of(cut + "\n")} <= {"SM100", "SM104"}
