"""The step table against botocore's model of the API."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.checks.references import JOB_NAMES
from airflow_sagemaker_mlops.definition.number_members import NUMBER_MEMBERS
from airflow_sagemaker_mlops.definition.step_types import SUPPORTED, WAITING
from airflow_sagemaker_mlops.steps import language_tables
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from airflow_sagemaker_mlops.steps.language_tables import NUMBERS, TYPES, sources
from airflow_sagemaker_mlops.steps.model import StepType
from airflow_sagemaker_mlops.steps.properties import path_problems
from airflow_sagemaker_mlops.steps.requests import request_problems
from airflow_sagemaker_mlops.steps.shapes import fit_request, member_of, operation_output, with_capitals
from airflow_sagemaker_mlops.steps.table import markdown

CREATED = [entry for entry in STEP_TYPES.values() if entry.describe]
# Statuses that the API does not spell out in an enumeration.
NOT_ENUMERATED = {"EMRServerless", "Athena"}


def api(entry: StepType) -> Any:
    return _model(entry.service)


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def test_the_table_has_exactly_the_supported_types() -> None:
    assert set(STEP_TYPES) == set(SUPPORTED)
    assert {entry.name for entry in STEP_TYPES.values() if entry.waits} == set(WAITING)


@pytest.mark.parametrize("entry", CREATED, ids=lambda entry: entry.name)
def test_operations_and_members_exist_in_the_api(entry: StepType) -> None:
    created = api(entry).operation_model(entry.create)
    described = api(entry).operation_model(entry.describe)
    keys = [key for key in (entry.name_key, entry.token_key) if key]
    assert all(member_of(created.input_shape, key)[1] is not None for key in keys)
    address = entry.describe_key or entry.name_key
    assert not address or address in described.input_shape.members
    assert set(entry.also) <= set(described.input_shape.members)
    assert not entry.arn_key or member_of(created.output_shape, entry.arn_key)[1] is not None
    assert ("Tags" in created.input_shape.members) >= entry.tagged
    if entry.stop:
        stopped = api(entry).operation_model(entry.stop).input_shape.members
        assert not address or address in stopped
    if entry.update:
        assert set(entry.update_members) <= set(api(entry).operation_model(entry.update).input_shape.members)
    if entry.listing:
        summaries = api(entry).operation_model(entry.listing).output_shape.members[entry.summaries_key].member.members
        assert {entry.name_key, entry.status_key, "LastModifiedTime"} <= set(summaries)
    if entry.extra:
        assert entry.extra_member in api(entry).operation_model(entry.extra).output_shape.members


# Paths that docs/language/property-paths.md and docs/language/steps/ name, and ones with a slip in them.
PATHS = [
    ("Training", "ModelArtifacts.S3ModelArtifacts", "ModelArtifacts.S3ModelArtefacts"),
    ("Training", "FinalMetricDataList['val:acc'].Value", "FinalMetricData['val:acc'].Value"),
    ("Training", "Environment['SM_OUTPUT_NOTEBOOK_NAME']", "Environments['SM_OUTPUT_NOTEBOOK_NAME']"),
    ("Tuning", "TrainingJobSummaries[3].TrainingJobName", "TrainingJobSummary[3].TrainingJobName"),
    ("Tuning", "BestTrainingJob.TrainingJobName", "BestTrainingJob.Name"),
    ("AutoML", "BestCandidateProperties.ModelInsightsJsonReportPath", "BestCandidateProperties.ModelInsights"),
    ("AutoML", "BestCandidate.InferenceContainers[0].Environment['a']", "BestCandidate.InferenceContainers.Image"),
    ("RegisterModel", "ModelPackageArn", "ModelPackageARN"),
    ("EMR", "Config.Args[2]", "Args[2]"),
    ("EMR", "ClusterId", "ClusterID"),
    ("Job", "JobConfigDocument.ServiceOutput.MlflowDetails.RunId", "JobArn.RunId"),
    ("BedrockCustomModel", "ModelArn", "modelArn"),
    ("Athena", "S3OutputLocation", "OutputLocation"),
]


@pytest.mark.parametrize(("kind", "right", "wrong"), PATHS, ids=lambda text: text)
def test_a_property_path_is_looked_up_in_what_describe_answers(kind: str, right: str, wrong: str) -> None:
    read = {"right": {"Get": f"Steps.A.{right}"}, "wrong": {"Get": f"Steps.A.{wrong}"}}
    emr = {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Jar": "j"}}}
    steps = [
        {"Name": "A", "Type": kind, "Arguments": emr if kind == "EMR" else {}},
        {"Name": "B", "Type": "Lambda", "FunctionArn": "f", "Arguments": read},
    ]
    found = list(path_problems(load_pipeline({"Version": "2020-12-01", "Steps": steps})))
    assert [(problem.code, problem.where) for problem in found] == [("SM211", "$.Steps[1].Arguments.wrong")]


@pytest.mark.parametrize("entry", [e for e in CREATED if e.status_key], ids=lambda entry: entry.name)
def test_terminal_statuses_are_the_apis_own(entry: StepType) -> None:
    shape = api(entry).operation_model(entry.describe).output_shape
    for wrapper in ("Step", "jobRun", "QueryExecution"):  # what ``properties`` takes off
        shape = shape.members.get(wrapper, shape)
    for key in entry.status_key.split("."):
        _, shape = member_of(shape, key)
    assert entry.terminal <= set(shape.enum)


DOCUMENTS = json.loads((Path(__file__).parent / "requests.json").read_text())


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_request_is_what_the_api_reference_says_of_it(name: str) -> None:
    """Arguments as in a document and the request derived from them by hand; botocore's own validation takes it."""
    entry, case = STEP_TYPES[case_type(name)], DOCUMENTS[name]
    operation = case.get("operation", entry.create)
    fitted, unknown = fit_request(entry.service, operation, entry.prepare(dict(case["arguments"])))
    assert fitted == case["request"]
    assert unknown == []
    supplied = case.get("supplied", {})
    report = ParamValidator().validate({**fitted, **supplied}, api(entry).operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


def case_type(name: str) -> str:
    return name.partition(" ")[0]


def test_answers_with_small_first_letters_are_read_as_documents_write_them() -> None:
    shape = operation_output("bedrock", "GetCustomModel")
    answer = {"modelArn": "a", "hyperParameters": {"epochCount": "1"}, "trainingDataConfig": {"s3Uri": "s3://b/k"}}
    assert with_capitals(answer, shape) == {
        "ModelArn": "a",
        "HyperParameters": {"epochCount": "1"},
        "TrainingDataConfig": {"S3Uri": "s3://b/k"},
    }


def test_the_page_of_step_types_is_the_generated_one() -> None:
    page = Path(__file__).parents[3] / "docs" / "step-types.md"
    assert page.read_text() == markdown(), "run: make docs"


def test_the_tables_that_a_parse_reads_are_the_generated_ones() -> None:
    assert {file: file.read_text() == text for file, text in sources().items()} == {TYPES: True, NUMBERS: True}, (
        "run: make docs"
    )


def test_numbers_and_booleans_of_the_api_reference_are_known() -> None:
    known = {"InstanceCount", "EnableNetworkIsolation", "InitialVariantWeight", "MaxRuntimeInSeconds", "modelUnits"}
    assert known <= NUMBER_MEMBERS
    assert not NUMBER_MEMBERS & {"Value", "RoleArn", "InstanceType", "Environment", "HyperParameters"}


def test_a_table_without_the_comments_around_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lost.py").write_text("STEP_SYNTAX = {}\n")
    monkeypatch.setattr(language_tables, "TYPES", tmp_path / "lost.py")
    with pytest.raises(ValueError, match=r"lost\.py lacks \"# -- generated from the entries"):
        sources()


def test_a_small_first_letter_is_no_member_of_sagemakers_api() -> None:
    with pytest.raises(ValueError, match='modelName: not a member of CreateModelInput; did you mean "ModelName"'):
        fit_request("sagemaker", "CreateModel", {"modelName": "m", "ExecutionRoleArn": "r"})


def test_a_misspelt_member_of_a_request_is_refused_and_not_left_out() -> None:
    request = {"ProcessingJobName": "p", "Enviroment": {"A": "b"}}
    with pytest.raises(ValueError, match=r'Enviroment: not a member of \w+; did you mean "Environment"'):
        fit_request("sagemaker", "CreateProcessingJob", request)


def test_leaves_are_made_to_fit_their_slots() -> None:
    request = {
        "ProcessingJobName": "p",
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": "2", "VolumeSizeInGB": 30.0, "InstanceType": "t"}},
        "Environment": {"A": True, "B": 3},
        "Nonsense": 1,
        "StoppingCondition": None,
    }
    fitted, unknown = fit_request("sagemaker", "CreateProcessingJob", request)
    assert fitted["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    assert fitted["Environment"] == {"A": "true", "B": "3"}
    assert unknown == ["Nonsense"]
    assert "StoppingCondition" not in fitted


def test_a_leaf_that_cannot_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r'InstanceCount: "many" is not an integer'):
        fit_request(
            "sagemaker", "CreateProcessingJob", {"ProcessingResources": {"ClusterConfig": {"InstanceCount": "many"}}}
        )


def test_check_finds_wrong_types_and_unknown_members_with_their_place() -> None:
    step = {
        "Name": "A",
        "Type": "Training",
        "Arguments": {
            "RoleArn": "arn:aws:iam::123456789012:role/R",
            "OutputDataConfig": {"S3OutputPath": "s3://b/x"},
            "StoppingCondition": {"MaxRuntimeInSeconds": "soon"},
            "InputDataConfig": {"Get": "Parameters.P"},
            "HyperParameter": {},
        },
    }
    document = {"Version": "2020-12-01", "Parameters": [{"Name": "P", "Type": "String"}], "Steps": [step]}
    found = {problem.where.partition("Arguments.")[2]: problem for problem in request_problems(load_pipeline(document))}
    assert found["StoppingCondition.MaxRuntimeInSeconds"].severity == "error"
    assert "whole list" in found["InputDataConfig"].what
    assert found["HyperParameter"].severity == "warning"
    assert found["HyperParameter"].fix == 'Did you mean "HyperParameters"?'


def test_every_type_with_a_request_has_a_row_of_requests() -> None:
    made = {entry.name for entry in STEP_TYPES.values() if entry.arguments_are_request or entry.parts}
    assert made <= {case_type(name) for name in DOCUMENTS}


def test_the_steps_that_know_the_name_of_their_job_are_those_whose_request_has_it() -> None:
    named = {variable: {name for name, e in STEP_TYPES.items() if e.name_key == variable} for variable in JOB_NAMES}
    assert named == JOB_NAMES
