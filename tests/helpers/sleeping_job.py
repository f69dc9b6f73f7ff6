"""A processing job on the embedded AWS that runs for a while, for tests of what others do about it."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_sagemaker_mlops.local_aws import LocalAws


def sleeping_job(aws: LocalAws, name: str, seconds: float, tags: Sequence[dict[str, str]] = ()) -> str:
    """Its name, once it has been made."""
    aws.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=aws.role_arn,
        AppSpecification={"ImageUri": "image", "ContainerEntrypoint": ["sleep", str(seconds)]},
        ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
        Tags=list(tags),
    )
    return name
