"""Hostile documents: damaged anywhere, huge, deep, or with names that have another meaning elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.problems import PipelineError
from airflow_sagemaker_mlops.plan import make_plan


def processing(name: str, **arguments: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Processing", "Arguments": {"RoleArn": "r", **arguments}}


WHOLE: dict[str, Any] = json.loads((Path(__file__).parent / "whole.json").read_text())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_value(value[path[0]], path[1:], new)
    return copy


def problems_or_plan(document: Any) -> None:
    """Anything but a plan or an error with problems is a bug."""
    try:
        make_plan(load_pipeline(document))
        problems: Any = None
    except PipelineError as error:
        problems = error.problems
    assert problems is None or (problems and all(problem.what for problem in problems))


def test_the_whole_document_is_a_good_one() -> None:
    assert len(make_plan(load_pipeline(WHOLE)).tasks) == 10


@pytest.mark.parametrize("value", [None, 7, True, "x", [], {}, ["x"], {"a": 1}, [[]]], ids=json.dumps)
def test_a_value_of_another_kind_anywhere_gives_problems_or_a_plan(value: Any) -> None:
    damaged = [with_value(WHOLE, path, value) for path in places(WHOLE) if path]
    for document in damaged:
        problems_or_plan(document)


@given(st.sampled_from(places(WHOLE)), JSON)
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_anywhere_gives_problems_or_a_plan(path: tuple[Any, ...], value: Any) -> None:
    damaged = with_value(WHOLE, path, value)
    problems_or_plan(damaged if isinstance(damaged, dict) else json.dumps(damaged).encode())


@given(st.integers(0, len(json.dumps(WHOLE)) - 1))
@settings(max_examples=300, deadline=None)
def test_a_truncated_document_is_not_json(length: int) -> None:
    with pytest.raises(PipelineError, match="SM10"):
        load_pipeline(json.dumps(WHOLE)[:length].encode())


HOSTILE = ("__class__", "__init__", "{{ ds }}", "a b", "$(rm -rf .)", "../up", "a/b", "x" * 257, "", "ö", "a.b")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_mean_something_elsewhere(name: str) -> None:
    document = {"Steps": [processing(name, Environment={"X": {"Get": f"Parameters.{name}"}})]}
    problems_or_plan(document)
    allowed = name in ("__class__", "__init__")
    named = {"Parameters": [{"Name": name, "Type": "String", "DefaultValue": "{{ x }}"}], "Steps": [processing(name)]}
    if allowed:
        assert make_plan(load_pipeline(named)).tasks[0].task_id == name
    else:
        with pytest.raises(PipelineError, match="SM123"):
            load_pipeline(named)


@pytest.mark.parametrize("depth", [60, 200, 5000])
def test_deep_nesting_is_answered(depth: int) -> None:
    value: Any = "x"
    step: dict[str, Any] = processing("Innermost")
    text = '{"Steps":[' + '{"Name":"C","Type":"Condition","Arguments":{"IfSteps":[' * depth + "]}}" * depth + "]}"
    for number in range(depth):
        value = {"Std:Join": {"On": "", "Values": [value]}}
        step = {"Name": f"C{number}", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [step]}}
    problems_or_plan(text.encode())
    problems_or_plan({"Steps": [processing("A", Environment={"X": value})]})
    problems_or_plan({"Steps": [step]})
    problems_or_plan({"Steps": [processing("A", Environment=[[[[value]]]])]})


def test_a_document_of_a_megabyte_and_one_too_large(tmp_path: Any) -> None:
    big = {"Steps": [processing("A", Environment={f"k{i}": "v" * 100 for i in range(9500)})]}
    assert len(json.dumps(big)) > 1_000_000
    assert len(make_plan(load_pipeline(json.dumps(big))).tasks) == 2
    file = tmp_path / "huge.json"
    file.write_text(json.dumps({"Steps": [processing("A", Environment={"x": "v" * 9_000_000})]}))
    with pytest.raises(PipelineError, match="SM105"):
        load_pipeline(file)


def test_a_long_circle_is_found() -> None:
    steps = [{**processing(f"S{i}"), "DependsOn": [f"S{(i + 1) % 3000}"]} for i in range(3000)]
    with pytest.raises(PipelineError, match="SM203"):
        load_pipeline({"Steps": steps})
