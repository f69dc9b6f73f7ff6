"""QualityCheck and ClarifyCheck: processing jobs of Model Monitor and Clarify, compared with an earlier baseline.

Source: docs/language/steps/checks.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..definition.model import Join, Pipeline, Step
from ..definition.parse import FLAGS
from ..definition.problems import Problem, warning
from ..definition.step_types import DRIFT_CHECK, StepSyntax
from .arns import Place, packages
from .iam import grants_by_name, member, objects
from .jobs import PROCESSING
from .known_text import ANYTHING
from .model import Grant, StepType
from .s3_members import processing_outputs

# FailOnViolation is not included: it changes how a result is judged, not the result.
_SETTINGS = (
    "CheckType",
    "ModelName",
    "SkipCheck",
    "RegisterNewBaseline",
    "ModelPackageGroupName",
    "SuppliedBaselineConstraints",
)
_STATISTICS = "SuppliedBaselineStatistics"
_KEYS = frozenset({*_SETTINGS, _STATISTICS, "FailOnViolation"})


def _grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    yield from grants_by_name(step, entry, place)
    group = step.settings.get("ModelPackageGroupName")
    if group is not None:
        yield "sagemaker:ListModelPackages", "*"
        yield from (("sagemaker:DescribeModelPackage", arn) for arn in packages(place, group)[1])
    if step.settings.get("ModelName") is not None:  # Clarify's configuration is copied, with the model's name
        for item in _configurations(step):
            uri = member(item.get("S3Input"), "S3Uri")
            folder = uri.rpartition("/")[0] if isinstance(uri, str) else None
            yield "s3:PutObject", place.below(folder, "*/analysis_config.json")


def _reports(step: Step) -> Iterator[tuple[str, Any]]:
    yield from ((step.where, Join("/", (uri, ANYTHING))) for uri in processing_outputs(step).values())
    for key in ("SuppliedBaselineConstraints", _STATISTICS):
        if key in step.settings:
            yield f"{step.where}.{key}", step.settings[key]
    if "ModelName" in step.settings:
        yield step.where, next((member(item.get("S3Input"), "S3Uri") for item in _configurations(step)), None)
    if "ModelPackageGroupName" in step.settings:  # baselines of a model version known only at run time
        yield step.where, None


def _configurations(step: Step) -> list[Mapping[str, Any]]:
    """The inputs with Clarify's analysis configuration."""
    return [
        item for item in objects(step.arguments.get("ProcessingInputs")) if item.get("InputName") == "analysis_config"
    ]


def _service_takes_new_customers(step: Step, _pipeline: Pipeline) -> Iterator[Problem]:
    """AWS closed SageMaker Model Monitor and Clarify to new customers on 2026-07-30; accounts that used them go on."""
    service = "Model Monitor" if step.type == "QualityCheck" else "Clarify"
    what = f'"{step.name}" needs SageMaker {service}, which AWS closed to new customers on 2026-07-30.'
    fix = f"In an account that never used it, a step of type {DRIFT_CHECK} compares the data: docs/drift.md."
    yield warning("SM304", f"{step.where}.Type", what, fix)


QUALITY_CHECK = replace(
    PROCESSING,
    name="QualityCheck",
    runner=".quality_check.QualityCheckRunner",
    syntax=StepSyntax(
        waits=True,
        settings=_KEYS,
        needs="CheckType",
        choices=("DATA_QUALITY", "MODEL_QUALITY"),
        properties={
            "CalculatedBaselineConstraints": "",
            "CalculatedBaselineStatistics": "",
            "BaselineUsedForDriftCheckConstraints": "",
            "BaselineUsedForDriftCheckStatistics": "",
        },
    ),
    words={
        "CheckType": "What is checked.",
        "SkipCheck": "Whether the comparison with the previous baseline is left out.",
        "FailOnViolation": "Whether a violation fails the step; true if absent.",
        "RegisterNewBaseline": "Whether the new baseline is passed on to be registered with the model.",
        "ModelPackageGroupName": "Group whose latest approved version has the previous baseline.",
        "SuppliedBaselineConstraints": "S3 URI of constraints to compare with, instead of the registered ones.",
        "SuppliedBaselineStatistics": "S3 URI of statistics to compare with, instead of the registered ones.",
        "ModelName": "Name of the model that is checked.",
    },
    settings=(*_SETTINGS, _STATISTICS, "OutputParameters"),
    setting_slots={
        "ModelPackageGroupName": ("sagemaker", "CreateModelPackage", "ModelPackageGroupName"),
        "ModelName": ("sagemaker", "CreateModel", "ModelName"),
        **dict.fromkeys(FLAGS, ("sagemaker", "CreateModel", "EnableNetworkIsolation")),
    },
    cache_key=("Arguments", *_SETTINGS, _STATISTICS),
    grants=_grants,
    settings_in_arns=("ModelPackageGroupName",),
    reports=_reports,
    pitfalls=(_service_takes_new_customers,),
    about="a Model Monitor baseline job, compared with the previous baseline",
    local_aws="runs the job; Model Monitor's own image needs a stub",
)
CLARIFY_CHECK = replace(
    QUALITY_CHECK,
    name="ClarifyCheck",
    runner=".quality_check.ClarifyCheckRunner",
    syntax=StepSyntax(
        waits=True,
        settings=_KEYS,
        needs="CheckType",
        choices=("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"),
        properties={"CalculatedBaselineConstraints": "", "BaselineUsedForDriftCheckConstraints": ""},
    ),
    cache_key=("Arguments", *_SETTINGS),
    about="a Clarify job, compared with the previous baseline",
    local_aws="runs the job; Clarify's own image needs a stub",
)

CHECKS = (QUALITY_CHECK, CLARIFY_CHECK)
