"""The tripwire against folders with invented newer versions of the SDK and of botocore."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import botocore
import pytest

from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
from tripwire import __main__ as tripwire
from tripwire.sdk import NoSdk, read_sdk

DATA = Path(botocore.__file__).parent / "data"
STEPS = """
from enum import Enum

class StepTypeEnum(Enum):
    TRAINING = "Training"
    HUB_CONTENT = "HubContent"
    DREAM = "Dream"

class TriggerCondition(Enum):
    ANY = "Any"

class Step(Entity):
    def to_request(self):
        request_dict = {"Name": self.name, "Arguments": {"Inner": 1}}
        request_dict["Weather"] = self.weather
        return request_dict

class DreamStep(ConfigurableRetryStep):
    pass

class ConfigurableRetryStep(Step):
    pass

class _PrivateStep(Step):
    pass
"""
FUNCTIONS = """
class ConditionTypeEnum(Enum, metaclass=DefaultEnumMeta):
    EQ = "Equals"
    XOR = "Xor"

class ParameterTypeEnum(Enum):
    STRING = "String"

class IfExpression(PipelineVariable):
    @property
    def expr(self):
        return {"Std:If": {"Then": 1}}

class Join(PipelineVariable):
    @property
    def expr(self):
        return {"Std:Join": {"On": "", "Values": []}}

class ExecutionVariables:
    MOOD = ExecutionVariable("Mood")
"""


def newer_sdk(site: Path) -> None:
    for name, text in (("mlops/workflow/steps.py", STEPS), ("core/workflow/functions.py", FUNCTIONS)):
        file = site / "sagemaker" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)


def newer_botocore(site: Path) -> None:
    """The installed models; SageMaker's has a new step type, status and member."""
    data = site / "botocore" / "data"
    data.mkdir(parents=True)
    for service in {entry.service for entry in STEP_TYPES.values() if entry.service} - {"sagemaker"}:
        (data / service).symlink_to(DATA / service)
    (version,) = (DATA / "sagemaker").iterdir()
    model = json.loads(gzip.decompress((version / "service-2.json.gz").read_bytes()))
    shapes: dict[str, Any] = model["shapes"]
    shapes["PipelineExecutionStepMetadata"]["members"]["DreamJob"] = {"shape": "String"}
    shapes["TrainingJobStatus"]["enum"].append("Dreaming")
    shapes["CreateTrainingJobRequest"]["members"]["Pillow"] = {"shape": "String"}
    del shapes["CreateProcessingJobRequest"]["members"]["ProcessingJobName"]
    (data / "sagemaker" / version.name).mkdir(parents=True)
    (data / "sagemaker" / version.name / "service-2.json").write_text(json.dumps(model))


def test_the_installed_versions_have_nothing_new(capsys: pytest.CaptureFixture[str]) -> None:
    if not (Path(botocore.__file__).parents[1] / "sagemaker" / "core" / "workflow").is_dir():
        pytest.skip("the SageMaker SDK is not installed")
    assert tripwire.main([]) == 0
    assert capsys.readouterr().out.endswith("Nothing is new.\n")


def test_whatever_a_newer_version_brings_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer_sdk(tmp_path)
    newer_botocore(tmp_path)
    assert tripwire.main(["--site", str(tmp_path)]) == 1
    unknown = "which this package does not know."
    assert capsys.readouterr().out.splitlines() == [
        "sagemaker of an unknown version",
        "botocore of an unknown version",
        f'The SDK has the step type "Dream", {unknown}',
        f'The SDK has the condition type "Xor", {unknown}',
        f'The SDK has the expression "Std:If", {unknown}',
        f'The SDK has the execution variable "Mood", {unknown}',
        f'The SDK has the class of expressions "IfExpression", {unknown}',
        f'The SDK has the class of steps "DreamStep", {unknown}',
        f'The SDK has the key of steps "Weather", {unknown}',
        'PipelineExecutionStepMetadata has "DreamJob": a step type that this package does not know.',
        "Processing: the request of CreateProcessingJob: gone: ProcessingJobName.",
        "Processing: CreateProcessingJob no longer has ProcessingJobName.",
        "Training: the request of CreateTrainingJob: new: Pillow.",
        'Training: DescribeTrainingJob has the new status "Dreaming".',
    ]


def test_an_sdk_whose_modules_have_moved_is_not_taken_for_one_without_news(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoSdk, match="There is no SageMaker SDK in"):
        read_sdk(tmp_path)
    assert tripwire.main(["--site", str(tmp_path)]) == 2
    newer_sdk(tmp_path)
    shutil.rmtree(tmp_path / "sagemaker" / "mlops")
    assert "The SDK has no StepTypeEnum any more, so its values cannot be compared." in tripwire.sdk_differences(
        read_sdk(tmp_path)
    )
    assert "There is no SageMaker SDK" in capsys.readouterr().err
