"""Definitions inside other tools' output: read if they are complete, otherwise refused with a way to get them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.problems import InvalidPipeline

STOP = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
DOCUMENT: dict[str, Any] = {"Version": "2020-12-01", "Steps": [STOP]}
TEXT = json.dumps(DOCUMENT)


def template(body: Any) -> dict[str, Any]:
    properties = {
        "PipelineName": "p",
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "PipelineDefinition": {"PipelineDefinitionBody": body},
    }
    return {
        "Parameters": {"Environment": {"Type": "String", "Default": 3.10}},
        "Resources": {"P": {"Type": "AWS::SageMaker::Pipeline", "Properties": properties}},
    }


def in_terraform(definition: str) -> dict[str, Any]:
    pipeline = {"type": "aws_sagemaker_pipeline", "values": {"pipeline_definition": definition}}
    change = {"type": "aws_sagemaker_pipeline", "change": {"after": {"pipeline_definition": definition}}}
    return {"planned_values": {"root_module": {"resources": [pipeline]}}, "resource_changes": [change]}


MANIFEST = {
    "apiVersion": "sagemaker.services.k8s.aws/v1alpha1",
    "kind": "Pipeline",
    "metadata": {"name": "p"},
    "spec": {"pipelineName": "p", "pipelineDefinition": TEXT},
}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"PipelineArn": "a", "PipelineDefinition": TEXT},
        {"PipelineDefinition": DOCUMENT},
        {"PipelineDefinitionBody": DOCUMENT},
        template(TEXT),
        template(DOCUMENT),
        template({"Fn::Join": ["", [TEXT[:20], TEXT[20:]]]}),
        template({"Fn::Sub": TEXT}),
        template({"Fn::ToJsonString": DOCUMENT}),
        MANIFEST,
        in_terraform(TEXT),
        {"resource": {"aws_sagemaker_pipeline": {"p": {"pipeline_definition": TEXT}}}},
        {"resources": [{"instances": [{"attributes": {"pipeline_definition": TEXT}}]}]},
    ],
)
def test_a_definition_is_found_in_what_holds_it(wrapped: dict[str, Any]) -> None:
    for source in (wrapped, json.dumps(wrapped), json.dumps(json.dumps(wrapped))):
        assert load_pipeline(source).document == DOCUMENT


def test_what_query_prints_is_a_text_in_a_text() -> None:
    assert load_pipeline(json.dumps(TEXT), name="f.json").document == DOCUMENT
    assert load_pipeline(json.dumps(TEXT, indent=1) + "\n").document == DOCUMENT


def test_short_tags_of_a_template_are_cloudformations() -> None:
    text = f"""
AWSTemplateFormatVersion: "2010-09-09"
Parameters: {{Role: {{Type: String}}}}
Resources:
  P:
    Type: AWS::SageMaker::Pipeline
    Properties:
      PipelineName: !Sub "${{AWS::StackName}}-p"
      RoleArn: !GetAtt Role.Arn
      Tags: !If [IsProd, [], !Ref Tags]
      PipelineDefinition:
        PipelineDefinitionBody: !Sub '{TEXT}'
"""
    assert load_pipeline(text, name="template.yaml").document == DOCUMENT


def test_a_manifest_is_found_among_others() -> None:
    text = f"kind: ConfigMap\ndata: {{a: b}}\n---\nkind: Pipeline\nspec:\n  pipelineDefinition: |\n    {TEXT}\n"
    assert load_pipeline(text, name="manifests.yaml").document == DOCUMENT


def test_problems_of_an_object_in_a_template_are_placed_in_the_template() -> None:
    text = json.dumps(template({**DOCUMENT, "Steps": [{**STOP, "DependsOn": ["Stopp"]}]}), indent=1)
    with pytest.raises(InvalidPipeline) as caught:
        load_pipeline(text, name="template.json")
    (problem,) = caught.value.problems
    line = next(number for number, one in enumerate(text.splitlines(), 1) if '"Stopp"' in one)
    assert problem.line == line
    assert problem.where.startswith("$.Resources.P.Properties.PipelineDefinition.PipelineDefinitionBody.Steps[0]")


@pytest.mark.parametrize(
    ("wrapped", "word"),
    [
        (template({"Fn::Sub": TEXT.replace("no", "${AWS::Region}")}), "Fn::Sub"),
        (template({"Fn::Join": ["", ["{", {"Ref": "X"}]]}), "Fn::Join"),
        (template({**DOCUMENT, "Steps": [{**STOP, "Arguments": {"ErrorMessage": {"Ref": "X"}}}]}), "Ref"),
        (in_terraform(TEXT.replace("no", "${var.x}")), "Terraform"),
        ({"PipelineDefinitionS3Location": {"Bucket": "b", "Key": "k"}}, "aws s3 cp s3://b/k"),
    ],
)
def test_what_a_tool_has_to_fill_in_first_is_refused_with_how_to_get_it(wrapped: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidPipeline, match="SM162") as caught:
        load_pipeline(json.dumps(wrapped))
    assert word in str(caught.value)


def test_a_definition_beside_a_packaged_dag_is_read_out_of_the_zip_file(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "dags.zip", "w") as packed:
        packed.writestr("flow.json", TEXT)
        packed.writestr("team/flow.yaml", "Version: '2020-12-01'\nSteps: 3\n")
    assert load_pipeline("flow.json", base_dir=tmp_path / "dags.zip").document == DOCUMENT
    assert load_pipeline("../flow.json", base_dir=tmp_path / "dags.zip" / "team").document == DOCUMENT
    with pytest.raises(InvalidPipeline, match=r"team/flow.yaml:2:8 "):
        load_pipeline("team/flow.yaml", base_dir=tmp_path / "dags.zip")
    with pytest.raises(InvalidPipeline, match=r'SM103.*dags.zip does not contain "none.json"'):
        load_pipeline("none.json", base_dir=tmp_path / "dags.zip")
    with pytest.raises(InvalidPipeline, match="SM103"):
        load_pipeline("../../flow.json", base_dir=tmp_path / "dags.zip")


def test_a_damaged_zip_file_is_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "dags.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    with pytest.raises(InvalidPipeline, match="SM103"):
        load_pipeline("flow.json", base_dir=tmp_path / "dags.zip")


def test_what_check_finds_in_an_object_in_a_template_is_placed_in_the_template(tmp_path: Path) -> None:
    from airflow_sagemaker_mlops.cli.check import problems_of
    from airflow_sagemaker_mlops.cli.sources import Source

    arguments = {"RoleArn": "r", "ProcessingResources": {"ClusterConfig": {"InstanceCount": "many"}}}
    step = {"Name": "A", "Type": "Processing", "Arguments": arguments}
    (tmp_path / "template.json").write_text(json.dumps(template({**DOCUMENT, "Steps": [step]}), indent=1))
    lines = (tmp_path / "template.json").read_text().splitlines()
    found = [problem for problem in problems_of(Source(str(tmp_path / "template.json"))) if problem.code == "SM151"]
    assert found
    assert all(problem.line and "InstanceCount" in lines[problem.line - 1] for problem in found)
