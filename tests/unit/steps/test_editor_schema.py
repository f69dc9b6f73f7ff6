"""The JSON Schema for editors against the tables it is generated from, and against ``check``."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from airflow_sagemaker_mlops.cli import check
from airflow_sagemaker_mlops.cli.sources import Source
from airflow_sagemaker_mlops.definition import examine
from airflow_sagemaker_mlops.definition.problems import PipelineError
from airflow_sagemaker_mlops.definition.read import yaml_source
from airflow_sagemaker_mlops.definition.read.load import read_source
from airflow_sagemaker_mlops.definition.read.yaml_tags import TAGS
from airflow_sagemaker_mlops.definition.step_types import SUPPORTED, StepSyntax
from airflow_sagemaker_mlops.scaffold import settle
from airflow_sagemaker_mlops.scaffold.projects import SCHEMA, project_files
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from airflow_sagemaker_mlops.steps.control import FAIL
from airflow_sagemaker_mlops.steps.editor_schema import document, schema_text
from airflow_sagemaker_mlops.steps.requests import request_problems

ROOT = Path(__file__).parents[3]
OURS = [*sorted((ROOT / "tests" / "pipelines" / "valid").iterdir()), *sorted(ROOT.glob("dags/*/definition.*"))]
INVALID = ROOT / "tests" / "pipelines" / "invalid"
# Cases that only a reader of the whole document finds: what a text means, or what a name refers to.
BEYOND_A_SCHEMA = {
    "SM110-root-misspelt-in-a-map",
    "SM120-misspelt-trigger",
    "SM122-output-named-by-a-list",
    "SM131-choices-of-numbers",
}


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    parsed = json.loads(schema_text())
    Draft202012Validator.check_schema(parsed)
    return Draft202012Validator(parsed)


def document_of(file: Path) -> Any:
    return read_source(str(file), None, None).document


def complaints(schema: Draft202012Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in schema.iter_errors(value)]


def test_the_shipped_schema_is_what_the_tables_give() -> None:
    """After a change of the language: make docs."""
    assert document.text() == schema_text()


def test_every_type_that_runs_is_offered_with_what_it_does() -> None:
    offered = document.schema()["$defs"]["step"]["properties"]["Type"]
    assert set(offered["enum"]) == {*SUPPORTED, "x-airflow"}
    assert all(offered["enumDescriptions"])


@pytest.mark.parametrize(
    "changed",
    [
        {"syntax": StepSyntax(arguments=frozenset({"ErrorMessage", "Colour"}))},
        {"syntax": StepSyntax(arguments=frozenset({"ErrorMessage"}), settings=frozenset({"Colour"}))},
        {"words": {**FAIL.words, "Colour": "It was a key once."}},
    ],
    ids=["an argument", "a step-level key", "words without a key"],
)
def test_a_key_without_words_and_words_without_a_key_stop_the_generation(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    monkeypatch.setitem(STEP_TYPES, "Fail", replace(FAIL, **changed))
    with pytest.raises(ValueError, match="Described and known keys of Fail differ: Colour"):
        document.schema()


@pytest.mark.parametrize("file", OURS, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_our_definitions_are_accepted(schema: Draft202012Validator, file: Path) -> None:
    """Also by the rules of draft 7, which is what yaml-language-server 1.19 supports."""
    value = document_of(file)
    assert complaints(schema, value) == []
    assert list(Draft7Validator(schema.schema).iter_errors(value)) == []


@pytest.mark.parametrize("deploy", ["endpoint", "batch"])
def test_yaml_is_accepted_as_editors_see_it(
    schema: Draft202012Validator, monkeypatch: pytest.MonkeyPatch, deploy: str
) -> None:
    """An editor takes the value behind a tag for the value."""
    project = project_files(settle({"deploy": deploy, "regulated": True, "project": "churn"}))
    texts = {name: text for name, text in project.items() if name.startswith("dags/churn/") and name.endswith(".yaml")}
    monkeypatch.setattr(yaml_source, "expand", lambda _tag, value, _refuse: value)
    texts |= {file.parent.name: file.read_text() for file in OURS if file.suffix == ".yaml"}
    assert len(texts) >= 5
    assert {name: found for name, text in texts.items() if (found := complaints(schema, as_seen(text)))} == {}


def as_seen(text: str) -> Any:
    return yaml_source.settle(yaml_source.load_yaml(text).documents[0])[0]


def test_projects_come_with_the_schema_and_settings_for_editors() -> None:
    files = project_files(settle({"project": "churn"}))
    assert files[SCHEMA] == schema_text()
    settings = json.loads(files[".vscode/settings.json"])
    assert {text.split()[0] for text in settings["yaml.customTags"]} == set(TAGS)
    assert settings["yaml.schemas"] == {f"./{SCHEMA}": "dags/*/*.yaml"}
    assert files["dags/churn/train.yaml"].startswith(f"# yaml-language-server: $schema=../../{SCHEMA}\n")


def test_real_definitions_that_check_accepts_are_accepted(schema: Draft202012Validator, corpus: Path) -> None:
    refused, accepted = [], 0
    for file in sorted(corpus.glob("*.json")):
        found = complaints(schema, document_of(file))
        if not found:
            accepted += 1
        elif not any(problem.severity == "error" for problem in check.problems_of(Source(str(file)))):
            refused.append((file.name, found))
    assert refused == []
    assert accepted > 200


def test_wrong_shapes_are_refused(schema: Draft202012Validator) -> None:
    shapes = (
        "SM112",
        "SM121",
        "SM122",
        "SM123",
        "SM131",
        "SM140",
        "SM301",
        "SM302",
        "SM310",
        "SM314",
        "SM317",
        "SM325",
    )
    cases = [folder for folder in sorted(INVALID.iterdir()) if folder.name.startswith(shapes)]
    assert len(cases) > 25
    unseen = [
        folder.name
        for folder in cases
        if not complaints(schema, document_of(next(folder.glob("pipeline.*")))) and folder.name not in BEYOND_A_SCHEMA
    ]
    assert unseen == []


# What people and tools write in odd places.
VALUES: list[Any] = [
    None,
    "",
    "x",
    "5",
    "true",
    "approve",
    "s3://b/c",
    0,
    1,
    5.0,
    -1.5,
    True,
    [],
    ["x"],
    {},
    {"a": 1},
    {"Get": "Parameters.X"},
    {"Std:Join": {"On": None, "Values": ["a", 1]}},
    {"Std:JsonGet": {"S3Uri": "s3://a/b", "Path": "a"}},
]


def damaged(chance: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """Definitions of ours in which one value is another, or missing."""
    documents = [value for value in map(document_of, OURS) if len(json.dumps(value)) < 12_000]
    for _ in range(number):
        value = copy.deepcopy(dict(chance.choice(documents)))
        place, key = chance.choice(list(slots(value)))
        if chance.random() < 0.2 and isinstance(place, dict):
            del place[key]
        else:
            place[key] = copy.deepcopy(chance.choice(VALUES))
        yield value


def slots(value: Any) -> Iterator[tuple[Any, Any]]:
    stack = [value]
    while stack:
        item = stack.pop()
        for key, below in item.items() if isinstance(item, dict) else enumerate(item):
            yield item, key
            if isinstance(below, dict | list):
                stack.append(below)


def has_errors(value: Any) -> bool:
    try:
        pipeline, problems = examine(value)
    except PipelineError:
        return True
    return any(one.severity == "error" for one in problems) or any(
        one.severity == "error" for one in request_problems(pipeline)
    )


def test_nothing_that_check_accepts_is_refused(schema: Draft202012Validator) -> None:
    found = ((value, complaints(schema, value)) for value in damaged(random.Random(5), 60))
    assert [(said, value) for value, said in found if said and not has_errors(value)] == []
