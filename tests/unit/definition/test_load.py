"""Loading definitions: every problem at once, with its place, its rule and a fix."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline, to_json
from airflow_sagemaker_mlops.definition.model import Get, Join, JsonGet
from airflow_sagemaker_mlops.definition.problems import InvalidPipeline, PipelineError

INVALID = Path(__file__).parents[2] / "pipelines" / "invalid"
FAIL = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}


@pytest.mark.parametrize("case", sorted(INVALID.iterdir()), ids=lambda case: case.name)
def test_an_invalid_definition_is_reported_with_place_rule_and_fix(case: Path) -> None:
    file = next(case.glob("pipeline.*"))
    with pytest.raises(PipelineError) as caught:
        load_pipeline(file.name, base_dir=case)
    assert str(caught.value) == (case / "report.txt").read_text().rstrip()


def test_text_file_dict_and_object_give_the_same_pipeline(tmp_path: Path) -> None:
    document = {"Version": "2020-12-01", "Steps": [FAIL]}
    (tmp_path / "p.json").write_text(json.dumps(document))

    class SdkPipeline:
        def definition(self) -> str:
            return json.dumps(document)

    described = {"PipelineName": "p", "PipelineDefinition": json.dumps(document)}
    sources = [json.dumps(document), tmp_path / "p.json", document, SdkPipeline(), described]
    assert all(load_pipeline(source).document == document for source in sources)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidPipeline, match="Looked for") as caught:
        load_pipeline("nothing.json", base_dir=tmp_path)
    assert caught.value.problems[0].code == "SM103"


def test_yaml_tags_mean_the_long_forms() -> None:
    text = """
Version: "2020-12-01"
Parameters: [{Name: Bucket, Type: String}, {Name: When, Type: String, DefaultValue: 2024-01-01}]
Steps:
  - Name: Eval
    Type: Processing
    PropertyFiles: [{PropertyFileName: Report, OutputName: out, FilePath: r.json}]
    Arguments:
      RoleArn: !Get Parameters.Bucket
      Environment:
        A: !Sub "s3://${Parameters.Bucket}/x/$${kept}"
        B: !Join ["-", [a, !Get Execution.PipelineName, 3]]
        C: "yes"
        D: on
        E: 012
      ProcessingOutputConfig: {Outputs: [{OutputName: out}]}
  - Name: Stop
    Type: Fail
    Arguments: {ErrorMessage: !JsonGet {PropertyFile: [Eval, Report], Path: "a.b[0]"}}
"""
    pipeline = load_pipeline(text)
    environment = pipeline.steps[0].arguments["Environment"]
    assert pipeline.parameters[1].default == "2024-01-01"
    assert environment["A"] == Join("", ("s3://", Get("Parameters", "Bucket", (), "Parameters.Bucket"), "/x/${kept}"))
    assert environment["B"].values == ("a", Get("Execution", "PipelineName", (), "Execution.PipelineName"), 3)
    assert (environment["C"], environment["D"], environment["E"]) == ("yes", "on", "012")
    assert pipeline.steps[1].arguments["ErrorMessage"] == JsonGet("Eval", "Report", None, ("a", "b", 0), "a.b[0]")


def test_nulls_count_as_absent() -> None:
    pipeline = load_pipeline(
        {"Version": "2020-12-01", "Parameters": None, "MlflowConfig": None, "Steps": [{**FAIL, "DependsOn": None}]}
    )
    assert pipeline.mlflow is None
    assert pipeline.warnings == ()


def test_an_unknown_key_is_a_warning_with_its_place() -> None:
    text = json.dumps({"Version": "2020-12-01", "Steps": [{**FAIL, "DependOn": []}]}, indent=1)
    (warning,) = load_pipeline(text).warnings
    assert (warning.code, warning.line, warning.fix) == ("SM120", 10, 'Did you mean "DependsOn"?')


def test_a_user_key_called_get_in_a_free_form_map_is_data() -> None:
    lambda_step = {"Name": "L", "Type": "Lambda", "FunctionArn": "arn:x", "Arguments": {"filter": {"Get": "all"}}}
    pipeline = load_pipeline({"Version": "2020-12-01", "Steps": [lambda_step]})
    assert pipeline.steps[0].arguments == {"filter": {"Get": "all"}}


@pytest.mark.parametrize("text", ["Parameter.Day", "Parameters['Day']", "steps.A.Status"])
def test_what_looks_like_a_reference_in_free_data_is_reported(text: str) -> None:
    lambda_step = {"Name": "L", "Type": "Lambda", "FunctionArn": "arn:x", "Arguments": {"day": {"Get": text}}}
    pipeline = load_pipeline({"Version": "2020-12-01", "Steps": [lambda_step]})
    assert pipeline.steps[0].arguments == {"day": {"Get": text}}
    (warning,) = pipeline.warnings
    assert (warning.code, warning.where) == ("SM110", "$.Steps[0].Arguments.day")


def test_the_name_of_a_property_file_may_hold_dots() -> None:
    """The SDK writes any name into the reference."""
    output = {"OutputName": "out", "S3Output": {"S3Uri": "s3://b/k", "LocalPath": "/o", "S3UploadMode": "EndOfJob"}}
    file = {"PropertyFileName": "evaluation.json", "OutputName": "out", "FilePath": "e.json"}
    steps = [
        {
            "Name": "Eval",
            "Type": "Processing",
            "Arguments": {"ProcessingOutputConfig": {"Outputs": [output]}},
            "PropertyFiles": [file],
        },
        {
            "Name": "Use",
            "Type": "Lambda",
            "FunctionArn": "arn:x",
            "Arguments": {
                "a": {
                    "Std:JsonGet": {"PropertyFile": {"Get": "Steps.Eval.PropertyFiles.evaluation.json"}, "Path": "mse"}
                }
            },
        },
    ]
    (read,) = load_pipeline({"Version": "2020-12-01", "Steps": steps}).by_name["Use"].references
    assert isinstance(read, JsonGet)
    assert (read.step, read.property_file) == ("Eval", "evaluation.json")


def test_an_expiry_is_not_looked_at_where_nothing_is_cached() -> None:
    cached = {"Name": "L", "Type": "Lambda", "FunctionArn": "f", "CacheConfig": {"Enabled": False, "ExpireAfter": ""}}
    (warning,) = load_pipeline({"Version": "2020-12-01", "Steps": [cached]}).warnings
    assert warning.code == "SM122"


def test_a_definition_in_a_resource_of_cloudformation_is_found() -> None:
    body = json.dumps({"Version": "2020-12-01", "Steps": [FAIL]})
    for holder in ({"PipelineDefinitionBody": body}, {"PipelineDefinition": {"PipelineDefinitionBody": body}}):
        assert [step.name for step in load_pipeline(holder).steps] == ["Stop"]
        assert [step.name for step in load_pipeline(json.dumps(holder)).steps] == ["Stop"]


def test_problems_of_a_definition_within_an_answer_name_the_text_their_lines_are_of() -> None:
    answer = json.dumps({"PipelineName": "p", "PipelineDefinition": '{"Version": "2020-12-01",\n "Steps": 3}'})
    with pytest.raises(InvalidPipeline, match=r"answer.json \(PipelineDefinition\):2:2 "):
        load_pipeline(answer, name="answer.json")


@pytest.mark.parametrize("value", [{1, 2}, b"x", float("nan"), "\ud83d"])
def test_a_dict_that_is_no_json_is_refused(value: Any) -> None:
    step = {"Name": "L", "Type": "Lambda", "FunctionArn": "f", "Arguments": {"a": value}}
    with pytest.raises(InvalidPipeline, match="SM104"):
        load_pipeline({"Version": "2020-12-01", "Steps": [step]})


def test_to_json_leaves_out_the_airflow_block() -> None:
    pipeline = load_pipeline({"Version": "2020-12-01", "x-airflow": {"a": 1}, "Steps": [{**FAIL, "x-airflow": {}}]})
    assert json.loads(to_json(pipeline)) == {"Version": "2020-12-01", "Steps": [FAIL]}


@pytest.mark.parametrize("depth", [200, 5000, 100_000])
def test_deep_nesting_is_refused_or_read_and_never_a_traceback(depth: int) -> None:
    text = '{"Version": "2020-12-01", "Steps": [], "Metadata": {"a": ' + "[" * depth + "]" * depth + "}}"
    try:
        load_pipeline(text)
    except PipelineError as error:
        assert error.problems[0].code == "SM105"  # noqa: PT017 - reading it is as right as refusing it


def test_conditions_nested_200_deep_are_refused_in_words() -> None:
    step: dict[str, object] = dict(FAIL)
    for level in range(200):
        step = {"Name": f"C{level}", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [step]}}
    with pytest.raises(InvalidPipeline, match="nested more than"):
        load_pipeline({"Version": "2020-12-01", "Steps": [step]})


def test_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InvalidPipeline, match="aliases"):
        load_pipeline("\n".join(lines) + "\nSteps: []\n")


def test_a_text_may_begin_with_a_byte_order_mark_as_a_file_may(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps({"Version": "2020-12-01", "Steps": [FAIL]})
    file = tmp_path / "p.json"
    file.write_text(text, encoding="utf-8")
    assert load_pipeline(text).document == load_pipeline(file).document


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_an_integer_larger_than_any_float_is_read_as_it_stands(suffix: str, tmp_path: Path) -> None:
    step = {"Name": "A", "Type": "Lambda", "FunctionArn": "f", "Arguments": {"x": 10**400}}
    file = tmp_path / f"p.{suffix}"
    file.write_text(json.dumps({"Version": "2020-12-01", "Steps": [step]}))
    assert load_pipeline(file).steps[0].arguments == {"x": 10**400}


def test_a_definition_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "p.json"
    os.mkfifo(pipe)
    text = json.dumps({"Version": "2020-12-01", "Steps": [FAIL]})
    with ThreadPoolExecutor() as writer:
        written = writer.submit(pipe.write_text, text)
        assert load_pipeline(pipe).document == json.loads(text)
        assert written.result() == len(text)


def test_a_file_as_powershell_writes_it_is_refused_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    for encoding in ("utf-16", "utf-16-be"):
        file.write_bytes(("\ufeff" if encoding.endswith("be") else "").encode(encoding) + "{}".encode(encoding))
        with pytest.raises(InvalidPipeline, match=r"not UTF-8.*\s+It looks like UTF-16, .* Save it as UTF-8\."):
            load_pipeline(file)


@pytest.mark.parametrize("name", ["pipeline.json", "pipeline.yaml"])
def test_an_empty_file_is_called_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("\n \n")
    with pytest.raises(InvalidPipeline, match=r"\[SM104\] the document is empty"):
        load_pipeline(tmp_path / name)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "None is not a definition."),
        (5, "a value of type int is not a definition."),
        ("", "the document is empty."),
    ],
)
def test_a_source_that_is_nothing_is_named(source: object, words: str) -> None:
    with pytest.raises(InvalidPipeline, match=rf"\[SM104\] {re.escape(words)}"):
        load_pipeline(source)
