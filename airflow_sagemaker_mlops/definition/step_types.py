"""The step types of the definition language: a row per type, with enough data to read and plan a definition.

The rows are copies of ``syntax`` of the entries in ``steps``, which also say how a type runs (API calls, runner, IAM
actions).  This package does not import those, so parsing a DAG file reads only this table; ``make docs`` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# Prefix of this package's own types, which only documents for Airflow have.
EXTENSION = "x-"
# A step that is any Airflow operator.
AIRFLOW = "x-airflow"
CHAMPION_GATE = "x-champion-gate"
DRIFT_CHECK = "x-drift-check"
# {step type whose job gives a verdict: {key with the steps of a branch: the verdict that it is for}}
VERDICT_BRANCHES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        CHAMPION_GATE: MappingProxyType(
            {"PromoteSteps": "promote", "RejectSteps": "reject", "InconclusiveSteps": "inconclusive"}
        ),
        DRIFT_CHECK: MappingProxyType(
            {"DriftSteps": "drift", "StableSteps": "stable", "InconclusiveSteps": "inconclusive"}
        ),
    }
)
DECLARED = "declared"  # the type of a property that the step declares in its OutputParameters


@dataclass(frozen=True, slots=True)
class StepSyntax:
    """What the language says of a step type.

    supported       this package runs it; false for HubContent, and for x-airflow, which Airflow runs
    waits           it takes minutes or hours, so the triggerer waits for it
    settings        step-level keys, in addition to those of every step
    needs           the required one of them
    choices         allowed values of the required key; () for any
    arguments       allowed keys of ``Arguments``; ``None`` for any
    argument_rules  ``definition.arguments`` checks its ``Arguments``
    setting_rules   its request is made of its step-level keys, which a module of its own checks
    object_settings settings that are objects; the others are texts
    branches        step-level keys that hold steps
    free_arguments  ``Arguments`` are optional, and are the user's own data, which may hold a key called "Get"
    in_body         the body of a ForEach step may hold it
    in_experiments  its jobs are grouped under the pipeline's experiment
    with_mlflow     its jobs get the pipeline's MLflow tracking server
    properties      {member: parameter type, or ""} of a fixed property document; ``None``: the Describe response
    property_files  it may declare property files for ``Std:JsonGet``
    left_in_s3      property paths to the objects that a Cleanup step deletes
    also_called     names of the type in the API and the SDK, in lower case
    since           version of the SageMaker SDK that brought a type which is not supported
    """

    supported: bool = True
    waits: bool = False
    settings: frozenset[str] = frozenset()
    needs: str = ""
    choices: tuple[str, ...] = ()
    arguments: frozenset[str] | None = None
    argument_rules: bool = False
    setting_rules: bool = False
    object_settings: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    free_arguments: bool = False
    in_body: bool = True
    in_experiments: bool = False
    with_mlflow: bool = False
    properties: Mapping[str, str] | None = None
    property_files: bool = False
    left_in_s3: frozenset[str] = frozenset()
    also_called: tuple[str, ...] = ()
    since: str = ""


# -- generated from the entries in steps/ by make docs: change them instead --------------------------------------------
STEP_SYNTAX: dict[str, StepSyntax] = {
    "Processing": StepSyntax(
        waits=True,
        in_experiments=True,
        property_files=True,
        left_in_s3=frozenset({"ProcessingOutputConfig.Outputs"}),
    ),
    "Training": StepSyntax(
        waits=True,
        in_experiments=True,
        with_mlflow=True,
        left_in_s3=frozenset({"ModelArtifacts.S3ModelArtifacts"}),
    ),
    "Tuning": StepSyntax(waits=True, also_called=("hyperparametertuning",)),
    "Transform": StepSyntax(
        waits=True,
        in_experiments=True,
        left_in_s3=frozenset({"TransformOutput.S3OutputPath"}),
        also_called=("batchtransform",),
    ),
    "AutoML": StepSyntax(waits=True, also_called=("automljob",)),
    "Model": StepSyntax(also_called=("createmodel",)),
    "RegisterModel": StepSyntax(also_called=("createmodelpackage", "modelpackage")),
    "EndpointConfig": StepSyntax(also_called=("createendpointconfig",)),
    "Endpoint": StepSyntax(waits=True, also_called=("createendpoint",)),
    "InferenceComponent": StepSyntax(waits=True),
    "Lambda": StepSyntax(
        settings=frozenset({"FunctionArn"}),
        needs="FunctionArn",
        free_arguments=True,
        properties={"OutputParameters": "declared"},
    ),
    "Callback": StepSyntax(
        waits=True,
        settings=frozenset({"SqsQueueUrl"}),
        needs="SqsQueueUrl",
        free_arguments=True,
        properties={"OutputParameters": "declared"},
    ),
    "Condition": StepSyntax(
        arguments=frozenset({"Conditions", "ElseSteps", "IfSteps"}),
        in_body=False,
        properties={"Outcome": "Boolean"},
    ),
    "Fail": StepSyntax(arguments=frozenset({"ErrorMessage"}), in_body=False),
    "QualityCheck": StepSyntax(
        waits=True,
        settings=frozenset(
            {
                "CheckType",
                "FailOnViolation",
                "ModelName",
                "ModelPackageGroupName",
                "RegisterNewBaseline",
                "SkipCheck",
                "SuppliedBaselineConstraints",
                "SuppliedBaselineStatistics",
            }
        ),
        needs="CheckType",
        choices=("DATA_QUALITY", "MODEL_QUALITY"),
        properties={
            "CalculatedBaselineConstraints": "",
            "CalculatedBaselineStatistics": "",
            "BaselineUsedForDriftCheckConstraints": "",
            "BaselineUsedForDriftCheckStatistics": "",
        },
    ),
    "ClarifyCheck": StepSyntax(
        waits=True,
        settings=frozenset(
            {
                "CheckType",
                "FailOnViolation",
                "ModelName",
                "ModelPackageGroupName",
                "RegisterNewBaseline",
                "SkipCheck",
                "SuppliedBaselineConstraints",
                "SuppliedBaselineStatistics",
            }
        ),
        needs="CheckType",
        choices=("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"),
        properties={"CalculatedBaselineConstraints": "", "BaselineUsedForDriftCheckConstraints": ""},
    ),
    "EMR": StepSyntax(waits=True, argument_rules=True),
    "EMRServerless": StepSyntax(waits=True, argument_rules=True),
    "Job": StepSyntax(waits=True),
    "Lineage": StepSyntax(
        argument_rules=True,
        properties={"ActionArns": "", "ArtifactArns": "", "ContextArns": "", "Associations": ""},
    ),
    "Cleanup": StepSyntax(argument_rules=True, properties={}),
    "ForEach": StepSyntax(
        waits=True,
        in_body=False,
        properties={
            "Status": "",
            "InputItemCount": "Integer",
            "TotalStepCount": "Integer",
            "SucceededStepCount": "Integer",
            "FailedStepCount": "Integer",
            "StoppedStepCount": "Integer",
            "IterationOutputs": "",
            "Selected": "",
        },
    ),
    "BedrockCustomModel": StepSyntax(waits=True),
    "BedrockCustomModelDeployment": StepSyntax(waits=True),
    "BedrockModelImport": StepSyntax(waits=True),
    "BedrockProvisionedModelThroughput": StepSyntax(waits=True),
    "Athena": StepSyntax(waits=True, left_in_s3=frozenset({"S3OutputLocation"})),
    "x-champion-gate": StepSyntax(
        waits=True,
        settings=frozenset({"Champion", "Job", "NoChampion", "Predictions", "Rules"}),
        setting_rules=True,
        branches=frozenset({"InconclusiveSteps", "PromoteSteps", "RejectSteps"}),
        in_body=False,
        properties={"Verdict": "String", "Sentence": "String", "Report": "String"},
    ),
    "x-drift-check": StepSyntax(
        waits=True,
        settings=frozenset(
            {"Baseline", "Columns", "Data", "FailOnDrift", "Job", "NextBaseline", "NoBaseline", "Rules"}
        ),
        setting_rules=True,
        branches=frozenset({"DriftSteps", "InconclusiveSteps", "StableSteps"}),
        in_body=False,
        properties={"Verdict": "String", "Sentence": "String", "Report": "String", "Profile": "String"},
    ),
    "x-champion": StepSyntax(
        arguments=frozenset({"GroupMayBeMissing", "HistoryS3Uri", "ModelPackageGroupName"}),
        argument_rules=True,
        in_body=False,
        properties={
            "Exists": "Boolean",
            "ModelPackageArn": "String",
            "ModelPackageVersion": "Integer",
            "ModelDataUrl": "String",
            "Stage": "String",
            "Baseline": "String",
            "DriftBaseline": "String",
        },
    ),
    "x-promote-champion": StepSyntax(
        arguments=frozenset({"Baseline", "HistoryS3Uri", "ModelPackageArn", "ModelPackageGroupName", "Sentence"}),
        argument_rules=True,
        in_body=False,
        properties={
            "ModelPackageArn": "String",
            "ModelPackageVersion": "Integer",
            "ReplacedModelPackageArn": "String",
            "Number": "Integer",
            "HistoryEntry": "String",
        },
    ),
    "x-approval": StepSyntax(
        waits=True,
        arguments=frozenset(
            {
                "AssignedUsers",
                "Default",
                "ModelPackageArn",
                "ModelPackageGroupName",
                "Sentence",
                "Subject",
                "TimeoutInSeconds",
            }
        ),
        argument_rules=True,
        in_body=False,
        properties={
            "Approved": "Boolean",
            "Decision": "String",
            "DecidedBy": "String",
            "DecidedAt": "String",
            "Comment": "String",
        },
    ),
    "x-serving-check": StepSyntax(
        waits=True,
        settings=frozenset({"Expect"}),
        object_settings=frozenset({"Expect"}),
        in_body=False,
        properties={"ModelName": "String", "Records": "Integer", "Sentence": "String"},
    ),
    "x-smoke-test": StepSyntax(
        settings=frozenset({"Expect"}),
        arguments=frozenset({"Accept", "ContentType", "EndpointName", "Records", "TargetVariant"}),
        argument_rules=True,
        object_settings=frozenset({"Expect"}),
        in_body=False,
        properties={"EndpointName": "String", "Records": "Integer", "Sentence": "String"},
    ),
    "x-airflow": StepSyntax(
        supported=False,
        settings=frozenset({"Operator"}),
        needs="Operator",
        free_arguments=True,
        in_body=False,
        properties={"Output": ""},
    ),
    "HubContent": StepSyntax(supported=False, since="3.30"),
}
# -- end of what is generated ------------------------------------------------------------------------------------------
_UNKNOWN = StepSyntax(supported=False)


def syntax_of(step_type: str) -> StepSyntax:
    """The row of ``step_type``; an empty row for a type that the language does not have."""
    return STEP_SYNTAX.get(step_type, _UNKNOWN)


def is_extension(step_type: str) -> bool:
    """Whether only documents for Airflow have the type, because SageMaker Pipelines refuses it."""
    return step_type.startswith(EXTENSION)


def type_meant(word: str) -> str | None:
    """The step type that ``word`` means, ignoring case; also accepts its names in the API and the SDK."""
    given = word.casefold()
    return next((name for name, row in STEP_SYNTAX.items() if given in (name.casefold(), *row.also_called)), None)


_OPERATOR = "StepOperator"


def operator_name(step_type: str) -> str:
    """``TrainingStepOperator``; for a type of this package, ``ChampionGateStepOperator`` for ``x-champion-gate``."""
    own = step_type.removeprefix("x-")
    words = [step_type] if own == step_type else [word.capitalize() for word in own.split("-")]
    return "".join(words) + _OPERATOR


def type_of_operator(name: str) -> str:
    """The supported step type whose operator is called ``name``; "" if there is none."""
    kind = name.removesuffix(_OPERATOR)
    if kind == name:
        return ""
    if kind in SUPPORTED:
        return kind
    return next((one for one in SUPPORTED if one.startswith("x-") and operator_name(one) == name), "")


class _Types(Set[str]):
    """A live view of the step types that meet a condition, which includes newly registered types."""

    def __init__(self, holds: Callable[[StepSyntax], bool]) -> None:
        self._holds = holds

    def __contains__(self, step_type: object) -> bool:
        row = STEP_SYNTAX.get(step_type)  # type: ignore[call-overload]
        return row is not None and self._holds(row)

    def __iter__(self) -> Iterator[str]:
        return (name for name, row in STEP_SYNTAX.items() if self._holds(row))

    def __len__(self) -> int:
        return sum(map(self._holds, STEP_SYNTAX.values()))

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> Any:
        return frozenset(it)


SUPPORTED = _Types(lambda row: row.supported)
KNOWN = _Types(lambda row: True)
WAITING = _Types(lambda row: row.waits)
FREE_ARGUMENTS = _Types(lambda row: row.free_arguments)
IN_EXPERIMENTS = _Types(lambda row: row.in_experiments)
