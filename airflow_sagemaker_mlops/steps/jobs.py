"""Processing, Training and Transform: jobs that are created under a name, watched and stopped.

Sources: language reference sections 4.2, 5.1, 5.2, 5.4; the SageMaker API reference for the member names.
"""

from __future__ import annotations

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
    waits=True,
    create="CreateProcessingJob",
    describe="DescribeProcessingJob",
    stop="StopProcessingJob",
    listing="ListProcessingJobs",
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
    waits=True,
    create="CreateTrainingJob",
    describe="DescribeTrainingJob",
    stop="StopTrainingJob",
    listing="ListTrainingJobs",
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
    waits=True,
    create="CreateTransformJob",
    describe="DescribeTransformJob",
    stop="StopTransformJob",
    listing="ListTransformJobs",
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
