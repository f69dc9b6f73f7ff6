"""What Airflow's providers manager shows of this package."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Provider metadata, as Airflow's provider schema wants it."""
    return {
        "package-name": "airflow-sagemaker-mlops",
        "name": "Amazon SageMaker Pipelines",
        "description": "Amazon SageMaker Pipelines as native Apache Airflow DAGs.",
    }
