"""SageMaker jobs, which are created with a name, polled and stopped.

Sources: docs/language/steps/jobs.md, docs/language/steps/checks.md; the SageMaker API reference for the member names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..definition.read.strict_json import NotJson, read_json
from ..definition.step_types import StepSyntax
from .iam import grants_by_name
from .model import EVERYTHING, Answer, StepType

if TYPE_CHECKING:
    from ..json_types import AwsShape

_SUCCEEDED = frozenset({"Completed"})
# A job that reached its time limit ends "Stopped", too; either way its result is unreliable.
_FAILED = frozenset({"Failed", "Stopped"})


def _processing_output(answer: Answer) -> str:
    for output in (answer.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        uri = (output.get("S3Output") or {}).get("S3Uri")
        if uri:
            return str(uri)
    return ""


def _training_output(answer: Answer) -> str:
    artifact = (answer.get("ModelArtifacts") or {}).get("S3ModelArtifacts")
    return str(artifact or (answer.get("OutputDataConfig") or {}).get("S3OutputPath") or "")


def _made_up_artifact(request: Answer, name: str) -> dict[str, Any]:
    folder = (request.get("OutputDataConfig") or {}).get("S3OutputPath")
    if not folder:
        return {}
    return {"ModelArtifacts": {"S3ModelArtifacts": f"{str(folder).rstrip('/')}/{name}/output/model.tar.gz"}}


def _transform_output(answer: Answer) -> str:
    return str((answer.get("TransformOutput") or {}).get("S3OutputPath") or "")


PROCESSING = StepType(
    name="Processing",
    runner=".job.JobRunner",
    syntax=StepSyntax(
        waits=True, in_experiments=True, property_files=True, left_in_s3=frozenset({"ProcessingOutputConfig.Outputs"})
    ),
    about="a processing job",
    create="CreateProcessingJob",
    describe="DescribeProcessingJob",
    stop="StopProcessingJob",
    listing="ListProcessingJobs",
    running="InProgress",
    name_key="ProcessingJobName",
    arn_key="ProcessingJobArn",
    status_key="ProcessingJobStatus",
    succeeded=_SUCCEEDED,
    failed=_FAILED,
    summaries_key="ProcessingJobSummaries",
    log_group="/aws/sagemaker/ProcessingJobs",
    cache_key=("AppSpecification", "Environment", "ProcessingInputs"),
    s3_output=_processing_output,
    console="processing-jobs/{name}",
    kind="processing-job",
    grants=grants_by_name,
    local_aws="runs",
)

TRAINING = StepType(
    name="Training",
    runner=".job.JobRunner",
    syntax=StepSyntax(
        waits=True, in_experiments=True, with_mlflow=True, left_in_s3=frozenset({"ModelArtifacts.S3ModelArtifacts"})
    ),
    about="a training job; `@step` functions, notebook jobs and model repacking are training jobs too",
    create="CreateTrainingJob",
    describe="DescribeTrainingJob",
    stop="StopTrainingJob",
    listing="ListTrainingJobs",
    running="InProgress",
    name_key="TrainingJobName",
    arn_key="TrainingJobArn",
    status_key="TrainingJobStatus",
    succeeded=_SUCCEEDED,
    failed=_FAILED,
    summaries_key="TrainingJobSummaries",
    log_group="/aws/sagemaker/TrainingJobs",
    cache_key=(
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    s3_output=_training_output,
    console="jobs/{name}",
    stub=_made_up_artifact,
    kind="training-job",
    grants=grants_by_name,
    local_aws="runs: script mode, entrypoints, notebooks (if nbclient is installed), built-in XGBoost",
)

TRANSFORM = StepType(
    name="Transform",
    runner=".job.JobRunner",
    syntax=StepSyntax(
        waits=True,
        in_experiments=True,
        left_in_s3=frozenset({"TransformOutput.S3OutputPath"}),
        also_called=("batchtransform",),
    ),
    about="a batch transform job",
    create="CreateTransformJob",
    describe="DescribeTransformJob",
    stop="StopTransformJob",
    listing="ListTransformJobs",
    running="InProgress",
    name_key="TransformJobName",
    arn_key="TransformJobArn",
    status_key="TransformJobStatus",
    succeeded=_SUCCEEDED,
    failed=_FAILED,
    summaries_key="TransformJobSummaries",
    log_group="/aws/sagemaker/TransformJobs",
    cache_key=("DataProcessing", "Environment", "ModelName", "TransformInput"),
    s3_output=_transform_output,
    console="transform-jobs/{name}",
    kind="transform-job",
    grants=grants_by_name,
    local_aws="runs",
)


def _ranked(answer: Answer) -> dict[str, Any]:
    """The training jobs of a tuning job, best first."""
    goal = ((answer.get("HyperParameterTuningJobConfig") or {}).get("HyperParameterTuningJobObjective") or {}).get(
        "Type"
    )
    return {
        "HyperParameterTuningJobName": answer["HyperParameterTuningJobName"],
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Ascending" if goal == "Minimize" else "Descending",
        "MaxResults": 50,
    }


_TUNED = (
    "AlgorithmSpecification",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)
TUNING = StepType(
    name="Tuning",
    runner=".job.JobRunner",
    syntax=StepSyntax(waits=True, also_called=("hyperparametertuning",)),
    about="a hyperparameter tuning job; `TrainingJobSummaries[0]` is the best of its training jobs",
    create="CreateHyperParameterTuningJob",
    describe="DescribeHyperParameterTuningJob",
    stop="StopHyperParameterTuningJob",
    listing="ListHyperParameterTuningJobs",
    running="InProgress",
    name_key="HyperParameterTuningJobName",
    arn_key="HyperParameterTuningJobArn",
    status_key="HyperParameterTuningJobStatus",
    succeeded=_SUCCEEDED,
    failed=_FAILED | {"DeleteFailed"},
    summaries_key="HyperParameterTuningJobSummaries",
    name_limit=32,
    retries_itself=True,
    cache_key=(
        "HyperParameterTuningJobConfig",
        *(f"TrainingJobDefinition.{name}" for name in _TUNED),
        "TrainingJobDefinitions",
    ),
    extra="ListTrainingJobsForHyperParameterTuningJob",
    extra_member="TrainingJobSummaries",
    extra_request=_ranked,
    console="hyper-tuning-jobs/{name}",
    item_limits={
        "TrainingJobSummaries": ("HyperParameterTuningJobConfig", "ResourceLimits", "MaxNumberOfTrainingJobs")
    },
    kind="hyper-parameter-tuning-job",
    grants=grants_by_name,
    local_aws="runs training jobs, with values from a grid or at random",
)


def _best_candidate(answer: AwsShape) -> dict[str, Any]:
    """Add the two report paths that Pipelines adds; their file names are believed, not documented."""
    properties = (answer.get("BestCandidate") or {}).get("CandidateProperties") or {}
    places = properties.get("CandidateArtifactLocations") or {}
    reports = {
        "ModelInsightsJsonReportPath": (places.get("ModelInsights"), "statistics.json"),
        "ExplainabilityJsonReportPath": (places.get("Explainability"), "analysis.json"),
    }
    found = {key: f"{prefix.rstrip('/')}/{file}" for key, (prefix, file) in reports.items() if prefix}
    return {**answer, "BestCandidateProperties": found}


def _without_deployment(request: AwsShape) -> dict[str, Any]:
    # Pipelines removes these, too: an AutoML step neither deploys nor stops at the candidate definitions.
    return {k: v for k, v in request.items() if k not in ("ModelDeployConfig", "GenerateCandidateDefinitionsOnly")}


_AUTOML = ("CompletionCriteria", "CandidateGenerationConfig", "DataSplitConfig", "Mode")
AUTO_ML = StepType(
    name="AutoML",
    runner=".job.JobRunner",
    syntax=StepSyntax(waits=True, also_called=("automljob",)),
    about="an AutoML job of the first API version, `Mode` ENSEMBLING",
    create="CreateAutoMLJob",
    describe="DescribeAutoMLJob",
    stop="StopAutoMLJob",
    listing="ListAutoMLJobs",
    running="InProgress",
    name_key="AutoMLJobName",
    arn_key="AutoMLJobArn",
    status_key="AutoMLJobStatus",
    succeeded=_SUCCEEDED,
    failed=_FAILED,
    summaries_key="AutoMLJobSummaries",
    name_limit=32,
    retries_itself=True,
    cache_key=(
        *(f"AutoMLJobConfig.{name}" for name in _AUTOML),
        "AutoMLJobObjective",
        "InputDataConfig",
        "ProblemType",
    ),
    prepare=_without_deployment,
    properties=_best_candidate,
    console="auto-ml-jobs/{name}",
    added={
        "BestCandidateProperties": {"ModelInsightsJsonReportPath": None, "ExplainabilityJsonReportPath": None},
    },
    kind="automl-job",
    grants=grants_by_name,
)


def _open_document(answer: dict[str, Any]) -> dict[str, Any]:
    """Parse ``JobConfigDocument``, so that property paths can reach into it."""
    text = answer.get("JobConfigDocument")
    try:
        return {**answer, "JobConfigDocument": read_json(text)} if isinstance(text, str) else answer
    except NotJson:
        return answer


JOB = StepType(
    name="Job",
    runner=".job.JobRunner",
    syntax=StepSyntax(waits=True),
    about="a SageMaker job of any category; `JobConfigDocument` must be JSON after its expressions are resolved",
    create="CreateJob",
    describe="DescribeJob",
    stop="StopJob",
    name_key="JobName",
    also=("JobCategory",),
    arn_key="JobArn",
    status_key="JobStatus",
    succeeded=_SUCCEEDED,
    failed=_FAILED | {"DeleteFailed"},
    properties=_open_document,
    json_texts=frozenset({"JobConfigDocument"}),
    console="jobs/{name}",
    cache_key=EVERYTHING,
    kind="job/*",  # the category, then the name
    grants=grants_by_name,
)

JOBS = (PROCESSING, TRAINING, TUNING, TRANSFORM, AUTO_ML)
JOBS_OF_ANY_CATEGORY = (JOB,)
