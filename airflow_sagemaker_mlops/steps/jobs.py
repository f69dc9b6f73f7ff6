"""SageMaker jobs: created under a name, watched and stopped.

Sources: language reference sections 4.2, 5.1 to 5.5, 5.11, 5.14; the SageMaker API reference for the member names.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..definition.read.strict_json import NotJson, read_json
from .model import Answer, StepType

_SUCCEEDED = frozenset({"Completed"})
# A job that ran into its own time limit ends "Stopped" too; either way its result is not to be trusted.
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


def _transform_output(answer: Answer) -> str:
    return str((answer.get("TransformOutput") or {}).get("S3OutputPath") or "")


PROCESSING = StepType(
    name="Processing",
    how="job",
    about="a processing job",
    waits=True,
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
    s3_output=_processing_output,
    console="processing-jobs/{name}",
)

TRAINING = StepType(
    name="Training",
    how="job",
    about="a training job; `@step` functions, notebook jobs and model repacking are training jobs too",
    waits=True,
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
    s3_output=_training_output,
    console="jobs/{name}",
)

TRANSFORM = StepType(
    name="Transform",
    how="job",
    about="a batch transform job",
    waits=True,
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
    s3_output=_transform_output,
    console="transform-jobs/{name}",
)


def _ranked(answer: Answer) -> dict[str, Any]:
    """The tuning job's training jobs, best first."""
    goal = ((answer.get("HyperParameterTuningJobConfig") or {}).get("HyperParameterTuningJobObjective") or {}).get(
        "Type"
    )
    return {
        "HyperParameterTuningJobName": answer["HyperParameterTuningJobName"],
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Ascending" if goal == "Minimize" else "Descending",
        "MaxResults": 50,
    }


TUNING = StepType(
    name="Tuning",
    how="job",
    about="a hyperparameter tuning job; `TrainingJobSummaries[0]` is the best of its training jobs",
    waits=True,
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
    extra="ListTrainingJobsForHyperParameterTuningJob",
    extra_member="TrainingJobSummaries",
    extra_request=_ranked,
    console="hyper-tuning-jobs/{name}",
)


def _best_candidate(answer: dict[str, Any]) -> dict[str, Any]:
    """With the two report paths that Pipelines adds; the file names in them are believed, not documented."""
    properties = (answer.get("BestCandidate") or {}).get("CandidateProperties") or {}
    places = properties.get("CandidateArtifactLocations") or {}
    reports = {
        "ModelInsightsJsonReportPath": (places.get("ModelInsights"), "statistics.json"),
        "ExplainabilityJsonReportPath": (places.get("Explainability"), "analysis.json"),
    }
    found = {key: f"{prefix.rstrip('/')}/{file}" for key, (prefix, file) in reports.items() if prefix}
    return {**answer, "BestCandidateProperties": found}


def _without_deployment(request: dict[str, Any]) -> dict[str, Any]:
    # Pipelines takes these out as well: an AutoML step neither deploys nor stops at the candidate definitions.
    return {k: v for k, v in request.items() if k not in ("ModelDeployConfig", "GenerateCandidateDefinitionsOnly")}


AUTO_ML = StepType(
    name="AutoML",
    how="job",
    about="an AutoML job of the first API version, `Mode` ENSEMBLING",
    waits=True,
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
    prepare=_without_deployment,
    properties=_best_candidate,
    console="auto-ml-jobs/{name}",
)


def _open_document(answer: dict[str, Any]) -> dict[str, Any]:
    """With ``JobConfigDocument`` as an object, so that paths can go on inside of it."""
    text = answer.get("JobConfigDocument")
    try:
        return {**answer, "JobConfigDocument": read_json(text)} if isinstance(text, str) else answer
    except NotJson:
        return answer


JOB = StepType(
    name="Job",
    how="job",
    about="a SageMaker job of any category; `JobConfigDocument` has to be JSON once its expressions are resolved",
    waits=True,
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
    console="jobs/{name}",
)

QUALITY_CHECK = replace(
    PROCESSING,
    name="QualityCheck",
    how="check",
    about="a Model Monitor baseline job, compared with the baseline before it",
)
CLARIFY_CHECK = replace(
    PROCESSING,
    name="ClarifyCheck",
    how="check",
    about="a Clarify job, compared with the baseline before it",
)
