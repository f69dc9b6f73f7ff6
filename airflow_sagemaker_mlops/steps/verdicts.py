"""Steps whose job gives a verdict: a champion gate, a drift check.

Sources: docs/language/steps/champion-gate.md and drift-check.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..definition.champion_gate import GATE
from ..definition.drift_check import DRIFT
from ..definition.model import Step
from ..definition.step_types import StepSyntax
from ..definition.verdict_job import FOLDER
from ..definition.verdict_kinds import VERDICT_KINDS
from .arns import Place, packages
from .iam import grants_by_name, member
from .jobs import PROCESSING
from .model import Grant, StepType

# What editors show about keys of both types.
_RULES = "What decides: a list of rules."
_JOB = "Changes to the job, which otherwise has image, role and network of the step that it reads."
_INCONCLUSIVE = "Steps that run if the data does not decide."


def _folder(step: Step, place: Place) -> str:
    """ARN of the objects that the step writes; beside what it judges, whose place only the run knows."""
    given = member(step.settings.get("Job"), FOLDER)
    if isinstance(given, str):
        return place.below(given, "*")
    return f"arn:{place.partition}:s3:::*/{VERDICT_KINDS[step.type].folder}/*" if given is None else "*"


def _grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    yield from grants_by_name(step, entry, place)
    folder = _folder(step, place)
    yield "s3:PutObject", folder  # its program, and its rules
    yield "s3:GetObject", folder  # whether they are there, and its report


def _gate_grants(step: Step, entry: StepType, place: Place) -> Iterator[Grant]:
    yield from _grants(step, entry, place)
    groups, versions = packages(place, member(step.settings.get("Champion"), "ModelPackageGroup"))
    yield "sagemaker:ListModelPackages", "*"
    yield from (("sagemaker:DescribeModelPackageGroup", arn) for arn in groups)
    yield from (("sagemaker:DescribeModelPackage", arn) for arn in versions)


SENTENCE = "A stub stands for the comparison."


def _made_up_promotion(_request: object, _name: str) -> dict[str, Any]:
    return {"Verdict": "promote", "Sentence": SENTENCE, "Report": "s3://stub/report.json"}


def _made_up_stability(_request: object, _name: str) -> dict[str, Any]:
    files = {"Report": "s3://stub/report.json", "Profile": "s3://stub/profile.json"}
    return {"Verdict": "stable", "Sentence": SENTENCE, **files}


CHAMPION_GATE_STEP = replace(
    PROCESSING,
    name=GATE.type,
    runner=".champion_gate.ChampionGateRunner",
    syntax=StepSyntax(
        waits=True,
        settings=frozenset({"Champion", "Predictions", "Rules", "NoChampion", "Job"}),
        setting_rules=True,
        branches=frozenset(GATE.branches),
        in_body=False,
        properties={"Verdict": "String", "Sentence": "String", "Report": "String"},
    ),
    words={
        "Champion": "The champion that the candidate is compared with.",
        "Predictions": "The output of a Processing step with the predictions of both models.",
        "Rules": _RULES,
        "NoChampion": "The verdict if there is no champion; approve leaves it to a person.",
        "Job": _JOB,
        "PromoteSteps": "Steps that run if the candidate is better.",
        "RejectSteps": "Steps that run if the candidate is not better.",
        "InconclusiveSteps": _INCONCLUSIVE,
    },
    own_arguments=True,
    settings=("Champion", "Predictions", "Rules", "NoChampion"),
    cache_key=(),
    empty_on_failure=True,
    stub=_made_up_promotion,
    grants=_gate_grants,
    about="a candidate against the champion on the same records: `promote`, `reject` or `inconclusive`",
    local_aws="runs",
)
DRIFT_CHECK_STEP = replace(
    PROCESSING,
    name=DRIFT.type,
    runner=".drift_check.DriftCheckRunner",
    syntax=StepSyntax(
        waits=True,
        settings=frozenset(
            {"Data", "Baseline", "NextBaseline", "Columns", "Rules", "NoBaseline", "FailOnDrift", "Job"}
        ),
        setting_rules=True,
        branches=frozenset(DRIFT.branches),
        in_body=False,
        properties={"Verdict": "String", "Sentence": "String", "Report": "String", "Profile": "String"},
    ),
    words={
        "Rules": _RULES,
        "Job": _JOB,
        "Data": "The output of a Processing step with today's data.",
        "Baseline": "What the data is compared with: an S3 URI, or the output of a Processing step.",
        "NextBaseline": "The data to profile for the next champion; Data if absent.",
        "Columns": "Description of the columns.",
        "NoBaseline": "The verdict if there is no baseline; stable if absent.",
        "FailOnDrift": "Whether drift fails the step; true if no verdict has steps.",
        "InconclusiveSteps": _INCONCLUSIVE,
        "DriftSteps": "Steps that run if the data has drifted.",
        "StableSteps": "Steps that run if the data has not drifted.",
    },
    own_arguments=True,
    settings=("Data", "Baseline", "NextBaseline", "Columns", "Rules", "NoBaseline", "FailOnDrift"),
    cache_key=(),
    stub=_made_up_stability,
    grants=_grants,
    about="today's data against the champion's training data: `drift`, `stable` or `inconclusive`",
    local_aws="runs",
)

VERDICTS = (CHAMPION_GATE_STEP, DRIFT_CHECK_STEP)
