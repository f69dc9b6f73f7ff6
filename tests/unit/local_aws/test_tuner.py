"""The process behind a tuning job."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow_sagemaker_mlops.local_aws.job.tuner import Tuner


class ResourceInUse(Exception):
    """The exception that botocore generates from the service's model."""


def test_the_tuner_adopts_a_training_job_whose_creation_was_not_answered() -> None:
    asked: list[str] = []

    def create(**request: Any) -> None:
        asked.append(request["TrainingJobName"])
        raise ResourceInUse

    client = SimpleNamespace(create_training_job=create, exceptions=SimpleNamespace(ResourceInUse=ResourceInUse))
    tuner: Any = Tuner.__new__(Tuner)
    tuner.job_folder = SimpleNamespace(name="tune", client=lambda _service: client)
    tuner.status = SimpleNamespace(change=lambda **_: None)
    tuner.children, tuner.config = {}, {}
    tuner._start({"AlgorithmSpecification": {}}, {"depth": "3"})
    assert asked == ["tune-001"]
    assert tuner.children["tune-001"]["values"] == {"depth": "3"}
