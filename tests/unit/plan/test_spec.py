"""A step's slice of the definition, and its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.model import CacheConfig, OutputParameter, PropertyFile
from airflow_sagemaker_mlops.plan import make_plan
from airflow_sagemaker_mlops.plan.spec import BodyStep, ParameterSlot, StepSpec
from airflow_sagemaker_mlops.runtime.step_task import StepTask

DAILY = Path(__file__).parents[3] / "dags" / "daily_model" / "definition.json"
LOOP: dict[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "Items", "Type": "String", "DefaultValue": "[1, 2]"},
        {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "Url", "Type": "String"},
    ],
    "PipelineExperimentConfig": {
        "ExperimentName": {"Get": "Execution.PipelineName"},
        "TrialName": {"Get": "Execution.PipelineExecutionId"},
    },
    "MlflowConfig": {"MlflowResourceArn": "arn:aws:sagemaker:eu-west-1:1:mlflow-tracking-server/m"},
    "Steps": [
        {
            "Name": "Each",
            "Type": "ForEach",
            "Arguments": {
                "IterableItems": {"Get": "Parameters.Items"},
                "MaxConcurrency": 2,
                "ForEachBody": [
                    {
                        "Name": "Fit",
                        "Type": "Training",
                        "Arguments": {"HyperParameters": {"rate": {"Get": "Parameters.Rate"}}},
                        "RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3}],
                    },
                    {
                        "Name": "Ask",
                        "Type": "Lambda",
                        "Arguments": {"model": {"Get": "Steps.Fit.ModelArtifacts.S3ModelArtifacts"}},
                        "FunctionArn": "arn:aws:lambda:eu-west-1:1:function:f",
                        "OutputParameters": [{"OutputName": "score", "OutputType": "Float"}, {"OutputName": "note"}],
                    },
                ],
            },
        },
        {
            "Name": "Wait",
            "Type": "Callback",
            "Arguments": {"n": {"Get": "Steps.Each.IterationOutputs[0].Ask.OutputParameters['score']"}},
            "SqsQueueUrl": {"Get": "Parameters.Url"},
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        },
    ],
}


@pytest.mark.parametrize("definition", [DAILY, LOOP], ids=["daily model", "loop"])
def test_a_spec_is_read_back_from_its_json_and_from_the_text_of_its_task(definition: Any) -> None:
    for task in make_plan(load_pipeline(definition)).tasks:
        assert StepSpec.from_json(json.loads(json.dumps(task.spec.to_json()))) == task.spec
        step = StepTask(task.step_type, task.spec, reads={name: f"group.{name}" for name in task.reads})
        assert StepTask.from_json(step.to_json()).spec == task.spec


def test_the_text_of_a_task_is_the_same_as_ever() -> None:
    """Earlier serialized DAGs and running triggers hold such texts."""
    tasks = make_plan(load_pipeline(LOOP)).by_id
    assert StepTask("Callback", tasks["Wait"].spec, reads={"Each": "Each"}).to_json() == (
        "{'Callback':{'n':{'Get':'Steps.Each.IterationOutputs[0].Ask.OutputParameters[\"score\"]'}},"
        "'SqsQueueUrl':{'Get':'Parameters.Url'},'CacheConfig':{'Enabled':true,'ExpireAfter':'P30D'},"
        "'Parameters':{'Url':{'Type':'String'}}}"
    )
    assert StepTask("ForEach", tasks["Each"].spec).to_json() == (
        "{'ForEach':{'IterableItems':{'Get':'Parameters.Items'},'MaxConcurrency':2},"
        "'Body':{'Fit':{'Type':'Training','Arguments':{'HyperParameters':{'rate':{'Get':'Parameters.Rate'}}},"
        "'RetryPolicies':[{'ExceptionType':['Step.THROTTLING'],'MaxAttempts':3}],"
        "'Outputs':['ModelArtifacts.S3ModelArtifacts'],'Experiment':'default',"
        "'Mlflow':{'MlflowResourceArn':'arn:aws:sagemaker:eu-west-1:1:mlflow-tracking-server/m'},"
        "'Parameters':{'Rate':{'Type':'Float','DefaultValue':0.5}}},"
        "'Ask':{'Type':'Lambda','Arguments':{'model':{'Get':'Steps.Fit.ModelArtifacts.S3ModelArtifacts'}},"
        "'FunctionArn':'arn:aws:lambda:eu-west-1:1:function:f',"
        "'OutputParameters':[{'OutputName':'score','OutputType':'Float'},{'OutputName':'note'}],"
        "'Outputs':['OutputParameters[\"score\"]'],'After':['Fit']}},"
        "'Outputs':['IterationOutputs[0].Ask.OutputParameters[\"score\"]'],"
        "'Parameters':{'Items':{'Type':'String','DefaultValue':'[1, 2]'},'Rate':{'Type':'Float','DefaultValue':0.5}}}"
    )


def test_the_settings_of_a_step_are_read_with_their_types() -> None:
    spec = StepSpec.from_json(
        {
            "PropertyFiles": [{"PropertyFileName": "R", "OutputName": "out", "FilePath": "r.json"}],
            "OutputParameters": [{"OutputName": "n", "OutputType": "Integer"}, {"OutputName": "s"}],
            "CacheConfig": {"Enabled": True},
            "Outputs": "all",
            "Parameters": {"N": {"Type": "Integer", "DefaultValue": 0}},
            "Body": {"A": {"Type": "Fail", "Arguments": {"ErrorMessage": "x"}, "After": ["B"]}},
        }
    )
    assert spec.property_files == (PropertyFile("R", "out", "r.json"),)
    assert spec.output_parameters == (OutputParameter("n", "Integer"), OutputParameter("s", "String"))
    assert spec.cache == CacheConfig(enabled=True, expire_after=None)
    assert spec.outputs == "all"
    assert spec.parameters == {"N": ParameterSlot("Integer", 0)}
    assert spec.body == {"A": BodyStep("Fail", StepSpec({"ErrorMessage": "x"}), ("B",))}


def test_the_usual_outputs_of_a_type_are_a_word_and_read_back_as_paths() -> None:
    usual = StepTask("Training", StepSpec({"RoleArn": "r"}, outputs=("ModelArtifacts.S3ModelArtifacts",)))
    assert usual.to_json() == "{'Training':{'RoleArn':'r'},'Outputs':'usual'}"
    assert StepTask.from_json(usual.to_json()) == usual
    earlier = "{'Training':{'RoleArn':'r'},'Outputs':['ModelArtifacts.S3ModelArtifacts']}"
    assert StepTask.from_json(earlier) == usual
