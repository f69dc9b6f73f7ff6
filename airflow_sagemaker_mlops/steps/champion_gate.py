"""A champion gate: a processing job that compares two models' predictions, and what its report says.

Source: docs/language/steps/champion-gate.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..definition.gate_job import FOLDER, GATE_FOLDER
from ..definition.model import Step
from ..definition.step_types import CHAMPION_GATE
from .arns import Place, packages
from .iam import grants_by_name, member
from .jobs import PROCESSING
from .model import Grant, StepType


def _folder(step: Step, place: Place) -> str:
    """ARN of the objects that the gate writes; beside the predictions, whose place only the run knows."""
    given = member(step.settings.get("Job"), FOLDER)
    if isinstance(given, str):
        return place.below(given, "*")
    return f"arn:{place.partition}:s3:::*/{GATE_FOLDER}/*" if given is None else "*"


def _grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    yield from grants_by_name(step, entry, place)
    folder = _folder(step, place)
    yield "s3:PutObject", folder  # its program, and its rules
    yield "s3:GetObject", folder  # whether they are there, and its report
    groups, versions = packages(place, member(step.settings.get("Champion"), "ModelPackageGroup"))
    yield "sagemaker:ListModelPackages", "*"
    yield from (("sagemaker:DescribeModelPackageGroup", arn) for arn in groups)
    yield from (("sagemaker:DescribeModelPackage", arn) for arn in versions)


def _made_up_verdict(_request: object, _name: str) -> dict[str, Any]:
    return {"Verdict": "promote", "Sentence": "A stub stands for the comparison."}


CHAMPION_GATE_STEP = replace(
    PROCESSING,
    name=CHAMPION_GATE,
    runner="champion_gate",
    own_arguments=True,
    settings=("Champion", "Predictions", "Rules", "NoChampion"),
    cache_key=(),
    empty_on_failure=True,
    stub=_made_up_verdict,
    grants=_grants,
    about="a candidate against the champion on the same records: `promote`, `reject` or `inconclusive`",
    local_aws="runs",
)
