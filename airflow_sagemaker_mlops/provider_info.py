"""This package's metadata for Airflow: the ``apache_airflow_provider`` entry point.

Airflow calls :func:`get_provider_info` in every one of its processes and validates the answer against
``airflow/provider_info.schema.json``, so this module imports only the table of options and the version. Operators,
triggers and links are named as text and imported by Airflow when first needed.
"""

from __future__ import annotations

from typing import Any

from .settings_table import OPTIONS, SECTION
from .version import __version__

_PACKAGE = "airflow_sagemaker_mlops"
_INTEGRATION = "Amazon SageMaker Pipelines"


def get_provider_info() -> dict[str, Any]:
    """The provider's description, a new dictionary each time, because Airflow adds keys to it."""
    return {
        "package-name": "airflow-sagemaker-mlops",
        "name": "SageMaker MLOps",
        "description": "Amazon SageMaker Pipelines as native Apache Airflow DAGs.",
        "versions": [__version__],
        "integrations": [{"integration-name": _INTEGRATION, "tags": ["aws", "machine-learning"]}],
        "operators": [{"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.operators"]}],
        "triggers": [{"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.triggers"]}],
        "extra-links": [
            f"{_PACKAGE}.links.AwsConsoleLink",
            f"{_PACKAGE}.links.CloudWatchLogsLink",
            f"{_PACKAGE}.links.S3OutputLink",
        ],
        "config": {
            SECTION: {
                "description": "How the steps of a SageMaker pipeline run. Keywords of a DAG or operator override it.",
                "options": _options(),
            }
        },
    }


def _options() -> dict[str, dict[str, Any]]:
    """The options in the shape of Airflow's schema.  Connections keep Airflow's own type ``aws``."""
    return {
        name: {
            "description": option.help,
            "version_added": "0.1.0",
            "type": option.type,
            "example": option.example,
            "default": option.default,
        }
        for name, option in OPTIONS.items()
    }
