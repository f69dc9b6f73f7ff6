"""YAML scalars that do not print as they were written, as texts and as numbers."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.problems import InvalidPipeline

LOST = ("3.10", "1e5", "1E-3", ".5", "5.", "+5", "0.12345678901234567890", "-0", "True", "FALSE")
KEPT = (
    "5",
    "-3",
    "0.1",
    "true",
    "1.0",
    "012",
    "0x1F",
    "0o17",
    "1_000",
    "12:30:45",
    "2024-01-01",
    "yes",
    "NO",
    "off",
    "~x",
)


def text(place: str, value: str) -> str:
    return f"""
Version: "2020-12-01"
Parameters: [{{Name: Rate, Type: Float, DefaultValue: 0.1}}]
Steps:
  - Name: A
    Type: Training
    Arguments:
      {place.format(value)}
  - Name: B
    Type: Lambda
    FunctionArn: f
    Arguments: {{rate: {value}}}
    DependsOn: [A]
"""


TEXTS = (
    "Environment: {{V: {}}}",
    "HyperParameters: {{v: {}}}",
    "AlgorithmSpecification: {{ContainerArguments: [--v, {}]}}",
    "OutputDataConfig: {{S3OutputPath: !Join [/, [s3://b, {}]]}}",
)


@pytest.mark.parametrize("place", TEXTS)
@pytest.mark.parametrize("value", LOST)
def test_a_number_whose_text_would_change_is_refused_where_a_text_is_wanted(place: str, value: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        load_pipeline(text(place, value))
    (problem,) = caught.value.problems
    assert (problem.code, problem.line, problem.fix) == ("SM160", 8, f'Put it in quotation marks: "{value}".')


@pytest.mark.parametrize("place", TEXTS)
@pytest.mark.parametrize("value", [*KEPT, '"3.10"', "'1e5'", '"True"'])
def test_what_prints_as_it_was_written_is_taken(place: str, value: str) -> None:
    assert load_pipeline(text(place, value)).warnings == ()


@pytest.mark.parametrize("value", LOST)
@pytest.mark.parametrize("place", ["StoppingCondition: {{MaxRuntimeInSeconds: {}}}", "EnableNetworkIsolation: {}"])
def test_where_a_number_is_wanted_any_of_its_texts_is_taken(place: str, value: str) -> None:
    assert load_pipeline(text(place, value)).warnings == ()


@pytest.mark.parametrize("value", ["3.10", "5", "true", "1e5"])
def test_a_string_parameter_has_texts_for_default_and_choices(value: str) -> None:
    parameter = f'{{"Name": "P", "DefaultValue": {value}, "EnumValues": ["a", {value}]}}'
    with pytest.raises(InvalidPipeline) as caught:
        load_pipeline(f'{{"Version": "2020-12-01", "Steps": [],\n "Parameters": [{parameter}]}}')
    problems = caught.value.problems
    assert [(one.code, one.where) for one in problems] == [
        ("SM131", "$.Parameters[0].DefaultValue"),
        ("SM131", "$.Parameters[0].EnumValues[1]"),
    ]
    assert all(f'"{value}"' in one.fix for one in problems)


def test_a_dict_with_a_number_for_a_string_is_refused_too() -> None:
    document: dict[str, Any] = {"Version": "2020-12-01", "Steps": [], "Parameters": [{"Name": "P", "DefaultValue": 5}]}
    with pytest.raises(InvalidPipeline, match="SM131"):
        load_pipeline(document)


def test_choices_that_are_null_are_no_choices_called_none() -> None:
    with pytest.raises(InvalidPipeline, match=r"EnumValues\[0\].*null, not a string"):
        load_pipeline('{"Version": "2020-12-01", "Steps": [], "Parameters": [{"Name": "P", "EnumValues": [null]}]}')


def test_what_an_alias_repeats_is_read_as_a_number_everywhere() -> None:
    steps = "Steps:\n- {Name: A, Type: Lambda, FunctionArn: f, Arguments: &a {x: 1.50}}\n"
    steps += "- {Name: B, Type: Lambda, FunctionArn: f, Arguments: *a}\n"
    pipeline = load_pipeline('Version: "2020-12-01"\n' + steps)
    assert [step.arguments for step in pipeline.steps] == [{"x": 1.5}, {"x": 1.5}]
